"""Filters between text and data: JSON, patterns, tokens, numbers."""

from __future__ import annotations

import json
import math
from typing import Literal

from jinja2.runtime import Context

from nano_flow.core.strict_json import strict_json
from nano_flow.runtime.rendering.failure import RenderFailure, kind_of
from nano_flow.runtime.rendering.filters.arguments import number, whole
from nano_flow.runtime.rendering.plain import MAX_BITS, text_of, to_json
from nano_flow.runtime.rendering.sandbox import meter_of
from nano_flow.source.regex_guard import PatternTooSlow, check_pattern, search


def tojson(context: Context, value: object, indent: object = None) -> str:
    """The value as JSON, keys in their own order; ``indent`` blanks per level."""
    del context
    return to_json(value, None if indent is None else whole(indent, "indent", 16))


def fromjson(context: Context, value: object) -> object:
    """The data that a JSON text stands for."""
    if not isinstance(value, str):
        raise RenderFailure(f"fromjson needs a text, not {kind_of(value)}")
    meter_of(context).work(len(value) // 16)
    try:
        return strict_json(value)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RenderFailure(f"fromjson: this is not JSON: {error.msg.lower()} ({place})") from None
    except ValueError as error:
        raise RenderFailure(f"fromjson: {error}") from None


def match(context: Context, value: object, pattern: object) -> bool:
    """True where the regular expression ``pattern`` is found anywhere in the text (``^`` and ``$`` tie it)."""
    if not isinstance(pattern, str):
        raise RenderFailure(f"a pattern is a text, not {kind_of(pattern)}")
    reason = check_pattern(pattern)
    if reason:
        raise RenderFailure(f"not a usable pattern: {reason}")
    source = text_of(value)
    meter_of(context).work(1 + len(source) // 4)
    try:
        return search(pattern, source)
    except PatternTooSlow as error:
        raise RenderFailure(str(error)) from None


def truncate_tokens(context: Context, value: object, n: object) -> str:
    """The beginning of the text, about ``n`` tokens of it: four ASCII characters, or three other bytes, are one."""
    del context
    source, most = text_of(value), whole(n, "n", 10_000_000)
    if source.isascii():
        return source[: most * 4]
    source = source[: most * 4]
    low, high = 0, len(source)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _tokens(source[:middle]) <= most else (low, middle - 1)
    return source[:low]


def _tokens(source: str) -> int:
    data = source.encode("utf-8", "replace")
    plain = len(data.decode("ascii", "ignore"))
    return (plain + 3) // 4 + (len(data) - plain + 2) // 3


def absolute(context: Context, value: object) -> int | float:
    """The number without its sign."""
    del context
    return abs(number(value, "abs"))


def round_(context: Context, value: object, precision: object = 0, method: object = "common") -> float:
    """Rounded to ``precision`` digits: ``common`` (to even at half), ``ceil`` or ``floor``."""
    del context
    amount = number(value, "round")
    digits = whole(precision, "precision", 30, -30)
    if method == "common":
        return round(amount, digits)
    if method not in ("ceil", "floor"):
        raise RenderFailure('"method" is "common", "ceil" or "floor"')
    direction: Literal["ceil", "floor"] = "ceil" if method == "ceil" else "floor"
    scale = 10.0**digits
    return float(getattr(math, direction)(amount * scale)) / scale


def integer(context: Context, value: object, default: object = 0, base: object = 10) -> object:
    """The value as a whole number, ``default`` where it is none."""
    del context
    radix = whole(base, "base", 36)
    try:
        result = int(value, radix) if isinstance(value, str) else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        try:
            result = int(float(value))  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return default
    return result if result.bit_length() <= MAX_BITS else default


def floating(context: Context, value: object, default: object = 0.0) -> object:
    """The value as a number with a fraction, ``default`` where it is none."""
    del context
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return default
    return result if math.isfinite(result) else default
