"""Why a rendering failed, in words, and at which character of the template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

MAX_SHOWN = 8
MAX_COMPARED = 200
_TYPES = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "NoneType": "null",
    "dict": "a mapping",
    "list": "a list",
    "tuple": "a list",
}
_ERRORS: Mapping[type[BaseException], str] = {
    RecursionError: "nested too deeply",
    MemoryError: "too large",
    ZeroDivisionError: "division by zero",
}
_TYPE_WORD = re.compile(r"'(str|int|float|bool|NoneType|dict|list|tuple)'( object)?")
_COMPARED = re.compile(r"'[<>=]+' not supported between instances of ('\w+') and ('\w+')")


class RenderFailure(Exception):
    """A rendering failed; ``offset`` is the character of the template where it did, None where it is not yet known."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        self.message = message
        self._offset = offset
        super().__init__(message)

    @property
    def offset(self) -> int:
        """The character of the template, 0 where nothing better is known."""
        return self._offset or 0

    def at(self, offset: int) -> RenderFailure:
        """The same failure at ``offset``, where it had no place yet."""
        return self if self._offset is not None else RenderFailure(self.message, offset)


def kind_of(value: object) -> str:
    """``a text``, ``a list`` … : what a value is, in the words of the language."""
    return _TYPES.get(type(value).__name__, "a mapping")


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?``, or which names there are, or nothing."""
    names = sorted(known)[:MAX_COMPARED]
    near = get_close_matches(name, names, 1)
    if near:
        return f'; did you mean "{near[0]}"?'
    if not names:
        return "; it is empty"
    shown = ", ".join(f'"{known_name[:60]}"' for known_name in names[:MAX_SHOWN])
    return f"; it has {shown}{' …' if len(names) > MAX_SHOWN else ''}"


def explain(error: BaseException) -> str:
    """The message of an error of Python or Jinja in the words of the language."""
    for kind, words in _ERRORS.items():
        if isinstance(error, kind):
            return words
    message = str(error) or type(error).__name__
    if message.startswith("the inline if-expression"):
        return "the condition of `a if b` is false, and there is no `else`"
    compared = _COMPARED.search(message)
    if compared:
        left, right = (_TYPES.get(kind.strip("'"), kind) for kind in compared.groups())
        return f"{left} and {right} cannot be compared"
    return _TYPE_WORD.sub(lambda match: _TYPES[match[1]], message).rstrip(".")
