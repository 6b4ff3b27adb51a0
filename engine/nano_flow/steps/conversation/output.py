"""From a model's text to a checked value."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from nano_flow.core.messages import Json

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_MAX_ERRORS = 5
"""Violations that one message names."""

_MAX_DIGITS = 1_000
"""Digits of a whole number that a reply may hold."""


class OutputBroken(Exception):
    """A text is not what a schema asks for; ``str()`` tells a model what to mend."""


def read_output(text: str, schema: Mapping[str, Json]) -> Json:
    """The JSON value in ``text`` (a Markdown fence around it is taken off), valid under ``schema``."""
    value = parse_json(_without_fence(text))
    check_schema(value, schema)
    return value


def parse_json(text: str) -> Json:
    """Strict JSON: no NaN, no Infinity, no endless numbers. OutputBroken for anything else."""
    try:
        value: Json = json.loads(text, parse_constant=_no_constant, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise OutputBroken(f"not valid JSON: {error}") from None
    return value


def check_schema(value: Json, schema: Mapping[str, Json]) -> None:
    """OutputBroken naming the first violations of ``schema``."""
    validator = _validator(json.dumps(schema, sort_keys=True))
    errors = []
    for error in validator.iter_errors(value):
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
        errors.append(f"{path or 'the value'}: {error.message[:300]}")
        if len(errors) == _MAX_ERRORS:
            break
    if errors:
        raise OutputBroken("; ".join(errors))


@functools.lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _without_fence(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped[stripped.index("\n") + 1 : -3].strip()
    return stripped
