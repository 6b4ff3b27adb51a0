"""Keywords that look at a value as a whole: its type, its size, its range, its pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.source.judging.judge import Fault, Judge, Rule, Schema, Unusable
from nano_flow.source.judging.values import TYPE_NAMES, is_multiple, is_number, is_type, key_of, shown
from nano_flow.source.regex_guard import PatternTooSlow, safe_pattern


def _type(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    names = argument if isinstance(argument, list) else [argument]
    for name in names:
        if not isinstance(name, str) or name not in TYPE_NAMES:
            raise Unusable(f"{shown(name)} is no JSON type")
    if not any(is_type(value, str(name)) for name in names):
        yield Fault((), f"{shown(value)} is not of type {', '.join(repr(name) for name in names)}")


def _enum(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if not isinstance(argument, list):
        return
    keys = judge.keys.get(id(argument))
    if keys is None:
        keys = judge.keys[id(argument)] = frozenset(key_of(one, judge.meter) for one in argument)
    if key_of(value, judge.meter) not in keys:
        yield Fault((), f"{shown(value)} is not one of {shown(argument)}")


def _const(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if key_of(argument, judge.meter) != key_of(value, judge.meter):
        yield Fault((), f"{shown(argument)} was expected")


def _bound(breaks: Callable[[float, float], bool], words: str) -> Rule:
    def rule(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
        if is_number(argument) and is_number(value) and breaks(value, argument):  # type: ignore[arg-type]
            yield Fault((), f"{shown(value)} {words} {shown(argument)}")

    return rule


def _multiple(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if is_number(argument) and is_number(value) and not is_multiple(value, argument):  # type: ignore[arg-type]
        yield Fault((), f"{shown(value)} is not a multiple of {shown(argument)}")


def _least(kind: type, one: str, more: str) -> Rule:
    def rule(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
        if isinstance(value, kind) and is_number(argument) and len(value) < argument:  # type: ignore[operator,arg-type]
            yield Fault((), f"{shown(value)} {one if argument == 1 else more}")

    return rule


def _most(kind: type, more: str) -> Rule:
    def rule(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
        if isinstance(value, kind) and is_number(argument) and len(value) > argument:  # type: ignore[operator,arg-type]
            yield Fault((), f"{shown(value)} {'is expected to be empty' if argument == 0 else more}")

    return rule


def _pattern(judge: Judge, argument: Json, value: Json, schema: Schema) -> Iterator[Fault]:
    if isinstance(value, str) and isinstance(argument, str):
        try:
            if not found(judge, argument, value):
                text = repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
                yield Fault((), f"{text} does not match {argument!r}")
        except PatternTooSlow as error:
            yield Fault((), str(error))


_SHOWN = 80
"""Characters of a text that does not match."""


def named(judge: Judge, pattern: str, name: str) -> bool:
    """Whether ``patternProperties`` means the member ``name``; one that cannot be looked for means nothing."""
    try:
        return found(judge, pattern, name)
    except PatternTooSlow:
        return False


def found(judge: Judge, pattern: str, text: str) -> bool:
    """Whether ``pattern`` is in ``text``. PatternTooSlow.

    True also for patterns that no document may hold: they come from servers, which judge by them themselves.
    """
    judge.meter.work(1 + len(text) // 32)
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"  # JSON Schema's end is the end, not the place before a last line break
    try:
        checked = safe_pattern(pattern)
    except ValueError:
        return True
    return checked.found_in(text)


RULES: Mapping[str, Rule] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound(lambda value, bound: value < bound, "is less than the minimum of"),
    "maximum": _bound(lambda value, bound: value > bound, "is greater than the maximum of"),
    "exclusiveMinimum": _bound(lambda value, bound: value <= bound, "is less than or equal to the minimum of"),
    "exclusiveMaximum": _bound(lambda value, bound: value >= bound, "is greater than or equal to the maximum of"),
    "multipleOf": _multiple,
    "minLength": _least(str, "should be non-empty", "is too short"),
    "minItems": _least(list, "should be non-empty", "is too short"),
    "minProperties": _least(dict, "should be non-empty", "does not have enough properties"),
    "maxLength": _most(str, "is too long"),
    "maxItems": _most(list, "is too long"),
    "maxProperties": _most(dict, "has too many properties"),
    "pattern": _pattern,
}
