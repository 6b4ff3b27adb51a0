"""A JSON Schema of a tool in the part of OpenAPI that Gemini takes: references put in, nothing it does not know."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.messages import Json

_KEPT = (
    *("title", "description", "default", "enum", "format", "required", "propertyOrdering", "nullable"),
    *(
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "minProperties",
        "maxProperties",
        "pattern",
    ),
)
_FORMATS = frozenset({"enum", "date-time", "int32", "int64", "float", "double"})
_DEEPEST = 24
"""References that lead round in a circle are followed so far; the rest is any value."""

Schema = Mapping[str, Json]


def reduced(schema: Schema) -> dict[str, Json]:
    """``schema`` for a declaration of a function."""
    shared: dict[str, Json] = {}
    for name in ("$defs", "definitions"):
        part = schema.get(name)
        if isinstance(part, dict):
            shared.update(part)
    return _reduced(dict(schema), shared, 0)


def _reduced(schema: Json, shared: Schema, depth: int) -> dict[str, Json]:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {"type": "object"} if depth > _DEEPEST else {}
    whole = _merged(_followed(schema, shared), shared)
    made: dict[str, Json] = {}
    kinds = _type(whole, made)
    for key in _KEPT:
        if key in whole and (key != "format" or whole[key] in _FORMATS):
            made[key] = whole[key]
    if "const" in whole:
        made["enum"] = [whole["const"]]
    if "enum" in made:
        _only_texts(made)
    properties = whole.get("properties")
    if isinstance(properties, dict) and properties:
        made["properties"] = {name: _reduced(part, shared, depth + 1) for name, part in properties.items()}
    if kinds == "array" or "items" in whole:
        made["items"] = _reduced(whole.get("items"), shared, depth + 1) or {"type": "string"}
    return _with_choices(made, whole, shared, depth)


def _followed(schema: dict[str, Json], shared: Schema) -> dict[str, Json]:
    """What a reference leads to, under what stands beside it."""
    for _ in range(_DEEPEST):
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return schema
        target = shared.get(ref.rpartition("/")[2])
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**target, **rest} if isinstance(target, dict) else rest
    return {"type": "object"}


def _merged(schema: dict[str, Json], shared: Schema) -> dict[str, Json]:
    """All of ``allOf`` in one."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    made = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        inner = _merged(_followed(part, shared), shared) if isinstance(part, dict) else {}
        for key, value in inner.items():
            before = made.get(key)
            if isinstance(before, dict) and isinstance(value, dict):
                made[key] = {**before, **value}
            elif isinstance(before, list) and isinstance(value, list):
                made[key] = [*before, *(item for item in value if item not in before)]
            else:
                made.setdefault(key, value)
    return made


def _type(schema: Schema, made: dict[str, Json]) -> str:
    """One type, and whether it may be null; several others become a choice."""
    kind = schema.get("type")
    kinds = [str(one) for one in kind] if isinstance(kind, list) else [str(kind)] if isinstance(kind, str) else []
    real = [one for one in kinds if one != "null"]
    if len(real) < len(kinds):
        made["nullable"] = True
    if len(real) > 1:
        made["anyOf"] = [{"type": one} for one in real]
        return ""
    if not real and "properties" in schema:
        real = ["object"]
    if real:
        made["type"] = real[0]
    return real[0] if real else ""


def _only_texts(made: dict[str, Json]) -> None:
    """Only texts may be counted up; other values are held against the schema afterwards."""
    values = made["enum"]
    texts = [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
    if isinstance(values, list) and None in values:
        made["nullable"] = True
    if texts:
        made["enum"] = [*texts]
        made.setdefault("type", "string")
    else:
        del made["enum"]


def _with_choices(made: dict[str, Json], whole: Schema, shared: Schema, depth: int) -> dict[str, Json]:
    choices = [part for key in ("anyOf", "oneOf") for part in _list(whole.get(key))]
    if not choices:
        return made
    real = [part for part in choices if not (isinstance(part, dict) and part.get("type") == "null")]
    if len(real) < len(choices):
        made["nullable"] = True
    if len(real) == 1:
        return {**_reduced(real[0], shared, depth + 1), **made}
    made["anyOf"] = [_reduced(part, shared, depth + 1) for part in real]
    return made


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
