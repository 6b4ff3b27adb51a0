"""Plain YAML scalars by the JSON core schema: true, false, null, JSON numbers, else text."""

from __future__ import annotations

import re
from math import isinf

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
MAX_DIGITS = 40
"""More digits than any count, price or time needs; Python itself refuses 4,300 and more with a trace."""

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}
_NUMBER_START = frozenset("-0123456789")


class ExactFloat(float):
    """A number with a fraction or an exponent; ``text`` keeps its digits as written, so that money stays exact."""

    __slots__ = ("text",)
    text: str

    @classmethod
    def read(cls, text: str) -> ExactFloat:
        """The number written as ``text``; ValueError where it is not finite."""
        number = cls(text)
        if isinf(number):
            raise ValueError(f'the number "{text}" is too large')
        number.text = text
        return number

    def __reduce__(self) -> tuple[object, ...]:
        return (ExactFloat.read, (self.text,))


def plain_scalar(text: str) -> str | bool | int | float | None:
    """The value of an unquoted scalar; ValueError for a number that is too long or too large."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    match = JSON_NUMBER.fullmatch(text)
    if match is None:
        return text
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} characters is too long, at most {MAX_DIGITS} are read")
    if match[1] is None and match[2] is None:
        return int(text)
    return ExactFloat.read(text)
