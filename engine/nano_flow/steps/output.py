"""From a model's text to a checked value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from nano_flow.core.messages import Json
from nano_flow.source.json_schema import complaints

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
    errors = complaints(value, schema)
    if errors:
        raise OutputBroken("; ".join(errors))


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
