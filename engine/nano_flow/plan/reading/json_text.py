"""JSON files that a workflow names: bounded, without duplicate keys, without NaN."""

from __future__ import annotations

import json
import re

from nano_flow.core.messages import Json

MAX_DEPTH = 64
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(r"[\[\]{}]")


class JsonFault(ValueError):
    """The text is no JSON, or over a bound; says why and where."""


def read_json(text: str) -> Json:
    """The value that ``text`` holds. Raises JsonFault."""
    _check_depth(text)
    try:
        value: Json = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JsonFault(f"{error.msg.lower()} in line {error.lineno}, column {error.colno}") from None
    except JsonFault:
        raise
    except ValueError:
        raise JsonFault("a number has too many digits") from None
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub('""', text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise JsonFault(f"nested deeper than {MAX_DEPTH} levels")


def _without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members: dict[str, Json] = {}
    for key, value in pairs:
        if key in members:
            raise JsonFault(f'the key "{key}" stands twice in one object')
        members[key] = value
    return members


def _refuse_constant(name: str) -> Json:
    raise JsonFault(f"{name} is no JSON number")
