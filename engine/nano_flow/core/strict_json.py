"""JSON as it comes in from outside: strict, with numbers that a double can hold, and no deeper than we can carry."""

from __future__ import annotations

import json
from typing import NoReturn

from nano_flow.core.messages import Json

MAX_DEPTH = 100
"""Levels of lists and mappings. Documents have 64; what walks over data later goes down a few calls for each level."""
_MAX_DIGITS = 309
"""Digits of the largest double."""


def strict_json(text: str) -> Json:
    """The value of ``text``. ValueError says what is wrong: no JSON, NaN, a number out of range, nested too deeply."""
    try:
        value: Json = json.loads(text, parse_constant=_no_constant, parse_int=_whole, parse_float=_fraction)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if text.count("[") + text.count("{") > MAX_DEPTH and not within_depth(value):
        raise ValueError(_TOO_DEEP)
    return value


def within_depth(value: Json, most: int = MAX_DEPTH) -> bool:
    """Whether ``value`` has at most ``most`` levels; found level by level, so that no depth is too deep to be told."""
    level: list[Json] = [value]
    for _ in range(most + 1):
        inner: list[Json] = []
        for part in level:
            if isinstance(part, dict):
                inner.extend(part.values())
            elif isinstance(part, list):
                inner.extend(part)
        if not inner:
            return True
        level = inner
    return False


_TOO_DEEP = f"nested too deeply: more than {MAX_DEPTH} levels"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _whole(text: str) -> int:
    digits = len(text.lstrip("-"))
    if digits <= _MAX_DIGITS:
        number = int(text)
        try:
            float(number)
        except OverflowError:
            pass
        else:
            return number
    raise ValueError(f"a number of {digits} digits is out of range: the largest is about 1.8e308")


def _fraction(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is out of range: the largest is about 1.8e308")
    return number
