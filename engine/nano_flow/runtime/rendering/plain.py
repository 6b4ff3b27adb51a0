"""Values of templates: plain data in, plain data and text out; nothing else passes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.runtime.rendering.failure import RenderFailure, kind_of

MAX_OUTPUT = 1024 * 1024
MAX_BITS = 4096


def too_long(what: str) -> str:
    """The message for a text over the bound."""
    return f"{what} is longer than {MAX_OUTPUT:,} characters"


def plain(value: object) -> Json:
    """``value`` as JSON data. Lists and mappings of plain data pass as they are; read-only mappings are copied."""
    kind = type(value)
    if kind is str or kind is dict or kind is list or kind is int or kind is bool or value is None:
        return value  # type: ignore[return-value]
    return deeply_plain(value)


def deeply_plain(value: object) -> Json:
    """``value`` as JSON data, every part of it looked at. Raises RenderFailure where it is none."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if type(value) is str else str(value)
    if isinstance(value, int):
        return checked_integer(value)
    if isinstance(value, float):
        return checked_float(value)
    if isinstance(value, Mapping):
        return {_key(key): deeply_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [deeply_plain(item) for item in value]
    raise RenderFailure(f"{kind_of(value)} of the type {type(value).__name__} is no plain data")


def checked_integer(value: int) -> int:
    """``value``. Raises RenderFailure where it is too large."""
    if value.bit_length() > MAX_BITS:
        raise RenderFailure(f"an integer has at most {MAX_BITS:,} bits")
    return value


def checked_float(value: float) -> float:
    """``value``. Raises RenderFailure where it is no number that JSON knows."""
    if not math.isfinite(value):
        raise RenderFailure(f"{value} is no number")
    return value


def _key(key: object) -> str:
    return key if isinstance(key, str) else text_of(key)


def text_of(value: object) -> str:
    """``value`` as it stands in a text: a text as it is, everything else as JSON. Raises RenderFailure."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(checked_integer(value))
    return to_json(value)


def to_json(value: object, indent: int | None = None) -> str:
    """``value`` as JSON, keys in their own order. Raises RenderFailure where it is over the bound or no plain data."""
    if isinstance(value, Mapping) and not isinstance(value, dict):
        value = deeply_plain(value)
    try:
        if not isinstance(value, (dict, list, tuple)):
            return json.dumps(deeply_plain(value), ensure_ascii=False)
        encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent, default=deeply_plain)
        return _bounded(encoder, value)
    except RecursionError:
        raise RenderFailure("the value is nested too deeply") from None
    except ValueError:
        raise RenderFailure("the value holds a number that JSON does not know") from None


def _bounded(encoder: json.JSONEncoder, value: object) -> str:
    if _rough_size(value, MAX_OUTPUT) <= 0:
        raise RenderFailure(too_long("the value as JSON"))
    return encoder.encode(value)


def _rough_size(value: object, left: int) -> int:
    """What remains of ``left`` characters after writing ``value``; stops as soon as nothing does."""
    if isinstance(value, str):
        return left - len(value) - 2
    if not isinstance(value, (Mapping, list, tuple)):
        return left - 1
    for item in value:
        left -= 2
        if isinstance(value, Mapping):
            left -= len(str(item)) + 4
            item = value[item]
        left = _rough_size(item, left)
        if left <= 0:
            return 0
    return left - 2
