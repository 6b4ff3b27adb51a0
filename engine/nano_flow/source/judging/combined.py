"""Keywords that put schemas together, and the table of all keywords."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.source.judging import members, scalars
from nano_flow.source.judging.judge import Fault, Judge, Rule, Schema
from nano_flow.source.judging.values import shown


def _reference(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    yield from judge.faults(value, judge.target(argument))


def _all(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    for inner in _schemas(argument):
        yield from judge.faults(value, inner)


def _any(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(argument, list) and not any(judge.fits(value, inner) for inner in argument):
        yield Fault((), f"{shown(value)} is not valid under any of the given schemas")


def _one(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if not isinstance(argument, list):
        return
    valid = [inner for inner in argument if judge.fits(value, inner)]
    if not valid:
        yield Fault((), f"{shown(value)} is not valid under any of the given schemas")
    elif len(valid) > 1:
        said = ", ".join(shown(inner) for inner in (*valid[1:], valid[0]))
        yield Fault((), f"{shown(value)} is valid under each of {said}")


def _not(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if judge.fits(value, argument):
        yield Fault((), f"{shown(value)} should not be valid under {shown(argument)}")


def _if(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    yield from judge.faults(value, schema.get("then" if judge.fits(value, argument) else "else", True))


def _schemas(argument: Json) -> list[Json]:
    return argument if isinstance(argument, list) else []


RULES: Mapping[str, Rule] = {
    "$ref": _reference,
    "$dynamicRef": _reference,
    "allOf": _all,
    "anyOf": _any,
    "oneOf": _one,
    "not": _not,
    "if": _if,
    **scalars.RULES,
    **members.RULES,
}
