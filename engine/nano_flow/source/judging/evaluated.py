"""What the other keywords of a schema have looked at: the rest is ``unevaluated``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.source.judging.judge import Judge, Schema
from nano_flow.source.judging.scalars import named


def evaluated_names(judge: Judge, value: Mapping[str, Json], schema: Json) -> set[str]:
    """The members of ``value`` that ``schema`` judges, also through the schemas that hold for the same value."""
    if not isinstance(schema, dict):
        return set()
    judge.meter.work(1 + len(value))
    found = _own_names(judge, value, schema)
    for inner in _holding(judge, dict(value), schema):
        found |= evaluated_names(judge, value, inner)
    return found


def evaluated_items(judge: Judge, value: list[Json], schema: Json) -> set[int]:
    """The same for the items of a list, by index."""
    if not isinstance(schema, dict):
        return set()
    judge.meter.work(1 + len(value))
    if "items" in schema:
        return set(range(len(value)))
    before = schema.get("prefixItems")
    found = set(range(len(before))) if isinstance(before, list) else set()
    for keyword in ("contains", "unevaluatedItems"):
        if keyword in schema:
            found |= {index for index, part in enumerate(value) if judge.fits(part, schema[keyword])}
    for inner in _holding(judge, value, schema):
        found |= evaluated_items(judge, value, inner)
    return found


def _own_names(judge: Judge, value: Mapping[str, Json], schema: Schema) -> set[str]:
    found: set[str] = set()
    properties, patterns = schema.get("properties"), schema.get("patternProperties")
    if isinstance(properties, dict):
        found |= properties.keys() & value.keys()
    if isinstance(patterns, dict):
        found |= {name for name in value if any(named(judge, pattern, name) for pattern in patterns)}
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        if keyword in schema:
            found |= {name for name, part in value.items() if judge.fits(part, schema[keyword])}
    return found


def _holding(judge: Judge, value: Json, schema: Schema) -> Iterator[Json]:
    """The schemas inside ``schema`` that are about the same value and hold for it."""
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            yield judge.target(schema[keyword])
    for keyword in ("allOf", "anyOf", "oneOf"):
        entries = schema.get(keyword)
        yield from (entry for entry in (entries if isinstance(entries, list) else ()) if judge.fits(value, entry))
    dependent = schema.get("dependentSchemas")
    if isinstance(dependent, dict) and isinstance(value, dict):
        yield from (inner for name, inner in dependent.items() if name in value)
    if "if" in schema:
        if judge.fits(value, schema["if"]):
            yield from (schema["if"], schema.get("then", True))
        else:
            yield schema.get("else", True)
