"""JSON values as schemas compare them, and as complaints show them: in time that grows with their size only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from math import isfinite

from nano_flow.core.messages import Json
from nano_flow.source.judging.meter import Meter

_ROOM = 300


def is_type(value: Json, name: str) -> bool:
    """Whether ``value`` has the JSON type ``name``; ``1.0`` is an integer, ``true`` is no number."""
    if name == "integer":
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return whole and not isinstance(value, bool)
    if name == "number":
        return is_number(value)
    return isinstance(value, _TYPES[name])


_TYPES: dict[str, type] = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
TYPE_NAMES = frozenset({*_TYPES, "integer", "number"})


def is_number(value: object) -> bool:
    """Whether ``value`` is a number to JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def key_of(value: Json, meter: Meter) -> str:
    """A text that is the same for equal values and for no others: ``1`` and ``1.0`` are equal, ``1`` and ``true`` not.

    Texts are hashed with a secret of the process; numbers chosen to collide would make a set of them slow.
    """
    meter.work()
    if isinstance(value, str):
        meter.work(len(value) // 64)
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ",".join([key_of(part, meter) for part in value]) + "]"
    if isinstance(value, dict):
        members = sorted((json.dumps(name), key_of(part, meter)) for name, part in value.items())
        return "{" + ",".join(f"{name}:{part}" for name, part in members) + "}"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


def is_multiple(value: float, factor: float) -> bool:
    """Whether ``value`` is a whole multiple of ``factor``, exactly where floats cannot tell."""
    if factor in (0, float("inf"), float("-inf")):
        return False
    try:
        if isinstance(factor, int):
            return value % factor == 0
        quotient = value / factor
        return int(quotient) == quotient
    except (OverflowError, ValueError):
        # A whole number that no float holds, or a quotient that none does; what is infinite is a multiple of nothing.
        exact = not isinstance(value, float) or isfinite(value)
        return exact and (Fraction(value) / Fraction(factor)).denominator == 1


def shown(value: Json) -> str:
    """The beginning of ``repr(value)``: a complaint shows no more, and a large value has a large one."""
    pieces: list[str] = []
    room = _ROOM
    for piece in _pieces(value):
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            break
    return "".join(pieces)[:_ROOM]


def _pieces(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield repr(value[:_ROOM])
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield ", " if number else "["
            yield from _pieces(part)
        yield "]" if value else "[]"
    elif isinstance(value, dict):
        for number, (name, part) in enumerate(value.items()):
            yield ", " if number else "{"
            yield f"{name[:_ROOM]!r}: "
            yield from _pieces(part)
        yield "}" if value else "{}"
    else:
        yield repr(value)
