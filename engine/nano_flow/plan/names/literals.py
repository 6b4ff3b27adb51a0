"""Whether a value that is written in the workflow fits a schema, as far as that can be told before a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from nano_flow.core.messages import Json
from nano_flow.plan.names.nearest import listed
from nano_flow.plan.plan import Value
from nano_flow.source.expressions import Template


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value) == int(float(value)),  # type: ignore[arg-type]
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def misfit(value: Value | Json, schema: Mapping[str, Json]) -> str:
    """What is wrong with ``value``; empty where it fits or where that is only known in a run."""
    if isinstance(value, Template):
        if value.form != "text" or _admits("", schema):
            return ""
        return f"must be {_words(schema)}, and a template with text around it gives a text"
    if not _admits(value, schema):
        return f"must be {_words(schema)}, found {_shown(value)}"
    options = schema.get("enum")
    if isinstance(options, list) and _plain(value) and value not in options:
        return f"must be one of {listed(map(str, options))}, found {_shown(value)}"
    if "const" in schema and _plain(value) and value != schema["const"]:
        return f"must be {_shown(schema['const'])}, found {_shown(value)}"
    return _bounds(value, schema)


def _admits(value: object, schema: Mapping[str, Json]) -> bool:
    kinds = schema.get("type")
    listed_kinds = kinds if isinstance(kinds, list) else [kinds]
    return kinds is None or any(isinstance(kind, str) and _TYPES.get(kind, _any)(value) for kind in listed_kinds)


def _bounds(value: Value | Json, schema: Mapping[str, Json]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(low, int | float) and value < low:
            return f"must be at least {low}, found {value}"
        if isinstance(high, int | float) and value > high:
            return f"must be at most {high}, found {value}"
    return ""


def _plain(value: Value | Json) -> bool:
    return not isinstance(value, dict | list)


def _words(schema: Mapping[str, Json]) -> str:
    kinds = schema.get("type")
    names = [str(kind) for kind in kinds] if isinstance(kinds, list) else [str(kinds)]
    return " or ".join(f"{'an' if name[0] in 'aeiou' else 'a'} {name}" if name != "null" else name for name in names)


def _shown(value: Value | Json) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, Template) else value.source
    return text if len(text) <= 40 else text[:39] + "…"


def _any(value: object) -> bool:
    return True
