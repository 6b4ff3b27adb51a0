"""Resolves and merges JSON Schemas, so that one flat schema is left to make a value for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from nano_flow.core.messages import Json

Schema = dict[str, Json]
MAX_REFERENCES = 32


class Unsatisfiable(Exception):
    """No value was found for a schema."""


def as_schema(value: Json) -> Schema:
    """A schema as a mapping: ``true`` admits everything, ``false`` nothing."""
    if value is True:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    raise Unsatisfiable("the schema admits no value")


def resolve(schema: Schema, root: Schema) -> Schema:
    """``schema`` with its ``$ref`` replaced by what it refers to, siblings kept."""
    for _ in range(MAX_REFERENCES):
        reference = schema.get("$ref", schema.get("$dynamicRef"))
        if not isinstance(reference, str):
            return schema
        target = as_schema(find(reference, root))
        rest = {key: value for key, value in schema.items() if key not in ("$ref", "$dynamicRef")}
        schema = merge(target, rest)
    raise Unsatisfiable("a chain of references has no end")


def find(reference: str, root: Schema) -> Json:
    """What ``reference`` points to: ``#``, ``#/json/pointer``, ``#anchor`` or an ``$id`` of this document."""
    address, _, fragment = reference.partition("#")
    base: Json = root
    if address and address != root.get("$id"):
        base = next((s for s in _walk(root) if s.get("$id") == address), None)
    if base is None:
        raise Unsatisfiable(f'"{reference}" is not in the schema')
    if fragment and not fragment.startswith("/"):
        for part in _walk(base):
            if fragment in (part.get("$anchor"), part.get("$dynamicAnchor")):
                return part
        raise Unsatisfiable(f'"{reference}" is not in the schema')
    return _pointer(base, fragment, reference)


def _pointer(base: Json, pointer: str, reference: str) -> Json:
    for raw in pointer.split("/")[1:]:
        token = unquote(raw).replace("~1", "/").replace("~0", "~")
        if isinstance(base, dict) and token in base:
            base = base[token]
        elif isinstance(base, list) and token.isdigit() and int(token) < len(base):
            base = base[int(token)]
        else:
            raise Unsatisfiable(f'"{reference}" is not in the schema')
    return base


def _walk(value: Json) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def merge(first: Schema, second: Schema) -> Schema:
    """A schema that holds where both hold, as far as two keywords can be said as one."""
    merged = dict(first)
    for key, value in second.items():
        merged[key] = _both(key, merged[key], value) if key in merged else value
    return merged


def _both(key: str, one: Json, two: Json) -> Json:
    if key in ("properties", "$defs", "patternProperties", "dependentRequired") and _mappings(one, two):
        return _merge_properties(one, two)
    if key == "required" and isinstance(one, list) and isinstance(two, list):
        return [*one, *(name for name in two if name not in one)]
    if key == "enum":
        return _common(one, two)
    if key == "type":
        both = _common(one, two)
        return both[0] if len(both) == 1 else both
    if key == "items" and _mappings(one, two):
        return merge(as_schema(one), as_schema(two))
    if key == "allOf" and isinstance(one, list) and isinstance(two, list):
        return [*one, *two]
    return _tighter(key, one, two)


def _mappings(one: Json, two: Json) -> bool:
    return isinstance(one, dict) and isinstance(two, dict)


def _merge_properties(one: Json, two: Json) -> Json:
    merged = as_schema(one)
    for name, schema in as_schema(two).items():
        known = merged.get(name)
        both = isinstance(known, dict) and isinstance(schema, dict)
        merged[name] = {"allOf": [known, schema]} if both else schema
    return merged


def _common(one: Json, two: Json) -> list[Json]:
    left = one if isinstance(one, list) else [one]
    right = two if isinstance(two, list) else [two]
    both = [value for value in left if value in right]
    if not both and (("number" in left and "integer" in right) or ("integer" in left and "number" in right)):
        both = ["integer"]
    if not both:
        raise Unsatisfiable("two parts of the schema exclude each other")
    return both


def _tighter(key: str, one: Json, two: Json) -> Json:
    numbers = isinstance(one, int | float) and isinstance(two, int | float)
    if numbers and (key.startswith("min") or key == "exclusiveMinimum"):
        return max(one, two)  # type: ignore[type-var]
    if numbers and (key.startswith("max") or key == "exclusiveMaximum"):
        return min(one, two)  # type: ignore[type-var]
    return two
