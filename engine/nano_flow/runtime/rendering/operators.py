"""Arithmetic of templates: numbers, texts and lists, each result bounded before it is made."""

from __future__ import annotations

import operator
from collections.abc import Callable

from jinja2 import Undefined

from nano_flow.runtime.rendering.failure import RenderFailure, kind_of
from nano_flow.runtime.rendering.meter import Meter, fail
from nano_flow.runtime.rendering.plain import MAX_BITS, checked_float
from nano_flow.source.guard.sizes import MAX_REPEATED


def _number(symbol: str, compute: Callable[[object, object], object]) -> Callable[[Meter, object, object], object]:
    def calculate(meter: Meter, left: object, right: object) -> object:
        meter.work(1)
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            raise _unfit(symbol, left, right)
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
            raise RenderFailure(f"an integer has at most {MAX_BITS:,} bits")
        try:
            result = compute(left, right)
        except ZeroDivisionError:
            raise RenderFailure("division by zero") from None
        except OverflowError:
            raise RenderFailure("the number is too large") from None
        return checked_float(result) if isinstance(result, float) else result

    return calculate


def _unfit(symbol: str, left: object, right: object) -> RenderFailure:
    for side in (left, right):
        if isinstance(side, Undefined):
            fail(side)
    hint = {
        "+": '; join texts with "~"',
        "%": "; put values into a text with `| format`" if isinstance(left, str) else "",
    }.get(symbol, "")
    return RenderFailure(f'"{symbol}" cannot take {kind_of(left)} and {kind_of(right)}{hint}')


def _add(meter: Meter, left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str):
        meter.make(len(left) + len(right))
        return left + right
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        meter.work(len(left) + len(right))
        return [*left, *right]
    return _ADD(meter, left, right)


def _multiply(meter: Meter, left: object, right: object) -> object:
    if isinstance(right, (str, list, tuple)):
        left, right = right, left
    if isinstance(left, (str, list, tuple)) and isinstance(right, int):
        length = len(left) * max(right, 0)
        if length > MAX_REPEATED:
            raise RenderFailure(f"this repeats up to {length:,} characters or items; at most {MAX_REPEATED:,}")
        if isinstance(left, str):
            meter.make(length)
            return left * right
        meter.work(length)
        return list(left) * right
    return _MULTIPLY(meter, left, right)


_ADD = _number("+", operator.add)
_MULTIPLY = _number("*", operator.mul)

OPERATORS: dict[str, Callable[[Meter, object, object], object]] = {
    "+": _add,
    "-": _number("-", operator.sub),
    "*": _multiply,
    "/": _number("/", operator.truediv),
    "//": _number("//", operator.floordiv),
    "%": _number("%", operator.mod),
}
"""Operator → its bounded form; what is not listed is not part of the language."""
