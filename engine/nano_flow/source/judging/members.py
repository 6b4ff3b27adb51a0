"""Keywords that look into mappings and lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.source.judging.evaluated import evaluated_items, evaluated_names
from nano_flow.source.judging.judge import Fault, Judge, Rule, Schema
from nano_flow.source.judging.scalars import named
from nano_flow.source.judging.values import is_number, key_of, shown


def _properties(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, dict) and isinstance(value, dict):
        for name, inner in argument.items():
            judge.meter.work()
            if name in value:
                yield from _inside(judge, value[name], inner, name)


def _required(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, list) and isinstance(value, dict):
        judge.meter.work(len(argument))
        missing = (name for name in argument if isinstance(name, str) and name not in value)
        yield from (Fault((), f"{shown(name)} is a required property") for name in missing)


def _pattern_properties(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, dict) and isinstance(value, dict):
        for pattern, inner in argument.items():
            for name, part in value.items():
                if named(judge, pattern, name):
                    yield from _inside(judge, part, inner, name)


def _additional(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    known, patterns = _mapping(schema, "properties"), _mapping(schema, "patternProperties")
    judge.meter.work(len(value))
    extras = [name for name in value if name not in known and not any(named(judge, p, name) for p in patterns)]
    if argument is False and extras:
        yield Fault((), f"Additional properties are not allowed ({_listed(extras)} unexpected)")
    elif isinstance(argument, dict):
        for name in extras:
            yield from _inside(judge, value[name], argument, name)


def _names(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    for name in value if isinstance(value, dict) else ():
        yield from judge.faults(name, argument)


def _dependent_required(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, dict) and isinstance(value, dict):
        for name, needed in argument.items():
            judge.meter.work()
            if name in value and isinstance(needed, list):
                judge.meter.work(len(needed))
                missing = (one for one in needed if isinstance(one, str) and one not in value)
                yield from (Fault((), f"{shown(one)} is a dependency of {shown(name)}") for one in missing)


def _dependent_schemas(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, dict) and isinstance(value, dict):
        for name, inner in argument.items():
            if name in value:
                yield from judge.faults(value, inner)


def _prefix(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, list) and isinstance(value, list):
        for index, (part, inner) in enumerate(zip(value, argument, strict=False)):
            yield from _inside(judge, part, inner, index)


def _items(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if not isinstance(value, list):
        return
    if isinstance(argument, list):  # servers still write the tuples of older drafts
        yield from _prefix(judge, argument, value, schema)
        return
    before = schema.get("prefixItems")
    first = len(before) if isinstance(before, list) else 0
    if argument is False and len(value) > first:
        extra = len(value) - first
        rest: Json = value[first:] if extra != 1 else value[first]
        word = "items" if first != 1 else "item"
        yield Fault((), f"Expected at most {first} {word} but found {extra} extra: {shown(rest)}")
    elif argument is not False:
        for index in range(first, len(value)):
            yield from _inside(judge, value[index], argument, index)


def _contains(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if not isinstance(value, list):
        return
    least, most = schema.get("minContains", 1), schema.get("maxContains")
    matches = 0
    for part in value:
        matches += judge.fits(part, argument)
        if is_number(most) and matches > most:  # type: ignore[operator]
            yield Fault((), f"Too many items match the given schema (expected at most {shown(most)})")
            return
    if is_number(least) and matches < least:  # type: ignore[operator]
        few = f"Too few items match the given schema (expected at least {shown(least)} but only {matches} matched)"
        yield Fault((), few if matches else f"{shown(value)} does not contain items matching the given schema")


def _unique(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if argument is True and isinstance(value, list):
        seen: set[str] = set()
        for part in value:
            key = key_of(part, judge.meter)
            if key in seen:
                yield Fault((), f"{shown(value)} has non-unique elements")
                return
            seen.add(key)


def _unevaluated_items(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(value, list):
        judged = evaluated_items(judge, value, schema)
        rest = [part for index, part in enumerate(value) if index not in judged]
        if rest:
            said = ", ".join(shown(part) for part in rest[:_FEW])
            yield Fault((), f"Unevaluated items are not allowed ({said} {_verb(rest)} unexpected)")


def _unevaluated(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    judged = evaluated_names(judge, value, schema)
    bad = [name for name, part in value.items() if name not in judged and not judge.fits(part, argument)]
    if bad and argument is False:
        said = _listed(sorted(bad))
        yield Fault((), f"Unevaluated properties are not allowed ({said} {_verb(bad)} unexpected)")
    elif bad:
        said = f"{_listed(bad)} {_verb(bad)} unevaluated and invalid"
        yield Fault((), f"Unevaluated properties are not valid under the given schema ({said})")


_FEW = 20
"""Members that a complaint names; it is cut long before that."""


def _inside(judge: Judge, part: Json, schema: Json, step: str | int) -> Iterator[Fault]:
    return (fault.below(step) for fault in judge.faults(part, schema))


def _mapping(schema: Schema, keyword: str) -> Mapping[str, Json]:
    found = schema.get(keyword)
    return found if isinstance(found, dict) else {}


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:_FEW])


def _verb(things: list[str] | list[Json]) -> str:
    return "was" if len(things) == 1 else "were"


RULES: Mapping[str, Rule] = {
    "properties": _properties,
    "required": _required,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "prefixItems": _prefix,
    "items": _items,
    "contains": _contains,
    "uniqueItems": _unique,
    "unevaluatedItems": _unevaluated_items,
    "unevaluatedProperties": _unevaluated,
}
