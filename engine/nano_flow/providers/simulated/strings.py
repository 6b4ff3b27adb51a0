"""Makes strings that match a regular expression or a JSON Schema format."""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Callable, Iterable
from random import Random

from nano_flow.source.regex_guard import PatternTooSlow, safe_pattern

MAX_REPEAT = 6
"""How often an unbounded repetition repeats at most, beyond its minimum."""

_PRINTABLE = string.ascii_letters + string.digits + " _-."
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_NOT_WORD": " -.,",
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
}

Node = tuple[object, object]
"""An operation of the standard library's parsed pattern and its argument."""


def for_format(name: str, draw: Random) -> str | None:
    """A string of a format of JSON Schema 2020-12; None for a format that is not known."""
    make = _FORMATS.get(name)
    return make(draw) if make else None


def _letters(draw: Random, length: int = 6) -> str:
    return "".join(draw.choice(string.ascii_lowercase) for _ in range(length))


def _date(draw: Random) -> str:
    return f"2025-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"


def _time(draw: Random) -> str:
    return f"{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}Z"


def _uuid(draw: Random) -> str:
    digits = f"{draw.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _ipv4(draw: Random) -> str:
    return f"192.0.2.{draw.randint(1, 254)}"


def _ipv6(draw: Random) -> str:
    return f"2001:db8::{draw.randint(1, 0xFFFF):x}"


def _uri(draw: Random) -> str:
    return f"https://example.com/{_letters(draw)}"


def _email(draw: Random) -> str:
    return f"{_letters(draw)}@example.com"


_FORMATS: dict[str, Callable[[Random], str]] = {
    "date-time": lambda draw: f"{_date(draw)}T{_time(draw)}",
    "date": _date,
    "time": _time,
    "duration": lambda draw: f"PT{draw.randint(1, 59)}M",
    "email": _email,
    "idn-email": _email,
    "hostname": lambda draw: f"{_letters(draw)}.example.com",
    "idn-hostname": lambda draw: f"{_letters(draw)}.example.com",
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "uri": _uri,
    "iri": _uri,
    "uri-reference": lambda draw: f"/{_letters(draw)}",
    "iri-reference": lambda draw: f"/{_letters(draw)}",
    "uri-template": lambda draw: f"https://example.com/{{{_letters(draw)}}}",
    "uuid": _uuid,
    "json-pointer": lambda draw: f"/{_letters(draw)}",
    "relative-json-pointer": lambda draw: f"1/{_letters(draw)}",
    "regex": lambda draw: f"^{_letters(draw)}$",
}


def from_pattern(pattern: str, draw: Random) -> str | None:
    """A string in which ``pattern`` is found; None where this simple way finds none."""
    parse = importlib.import_module("re._parser").parse
    try:
        tree: Iterable[Node] = parse(pattern)
        for _ in range(8):
            text = _PatternWriter(draw).write(tree)
            if safe_pattern(pattern).found_in(text):
                return text
    except (re.error, ValueError, RecursionError, OverflowError, PatternTooSlow):
        return None
    return None


class _PatternWriter:
    """Walks a parsed pattern once and writes one string that it would match."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self._groups: dict[object, str] = {}

    def write(self, tree: Iterable[Node]) -> str:
        return "".join(self._one(str(op), argument) for op, argument in tree)

    def _one(self, op: str, argument: object) -> str:
        method = getattr(self, f"_{op.lower()}", None)
        return str(method(argument)) if method else ""

    def _literal(self, code: int) -> str:
        return chr(code)

    def _not_literal(self, code: int) -> str:
        return self._draw.choice([c for c in _PRINTABLE if ord(c) != code])

    def _any(self, _: object) -> str:
        return self._draw.choice(string.ascii_lowercase)

    def _in(self, parts: list[Node]) -> str:
        negated = bool(parts) and str(parts[0][0]) == "NEGATE"
        members = "".join(_members(str(op), argument) for op, argument in parts[negated:])
        if negated:
            members = "".join(c for c in _PRINTABLE if c not in members)
        return self._draw.choice(members) if members else ""

    def _branch(self, argument: tuple[object, list[Iterable[Node]]]) -> str:
        return self.write(self._draw.choice(argument[1]))

    def _subpattern(self, argument: tuple[object, int, int, Iterable[Node]]) -> str:
        text = self.write(argument[3])
        self._groups[argument[0]] = text
        return text

    def _atomic_group(self, tree: Iterable[Node]) -> str:
        return self.write(tree)

    def _groupref(self, group: object) -> str:
        return self._groups.get(group, "")

    def _max_repeat(self, argument: tuple[int, int, Iterable[Node]]) -> str:
        low, high, tree = argument
        nodes = list(tree)
        times = self._draw.randint(int(low), min(int(high), int(low) + MAX_REPEAT))
        return "".join(self.write(nodes) for _ in range(times))

    _min_repeat = _max_repeat
    _possessive_repeat = _max_repeat


def _members(op: str, argument: object) -> str:
    """The characters that one part of a ``[...]`` stands for (of a long range, its first hundred)."""
    if op == "LITERAL" and isinstance(argument, int):
        return chr(argument)
    if op == "RANGE" and isinstance(argument, tuple):
        low, high = argument
        return "".join(chr(code) for code in range(low, min(high, low + 99) + 1))
    return _CATEGORIES.get(str(argument), "")
