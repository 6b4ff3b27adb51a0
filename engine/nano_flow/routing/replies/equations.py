"""Arithmetic in replies: finds what stands on both sides of ``=``, and does the sums again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_CALCULATOR = re.compile(r"<<[^<>]{0,200}(?:>>|$)")
_TIMES = re.compile(r"(?<=[\d)%])\s{0,3}[xX×]\s{0,3}(?=[\d($])")
_DRESSING = str.maketrans({"\\": None, "$": None, "€": None, "£": None, "−": "-", "–": "-", "÷": "/", "*": "*"})
_SIDE = r"[-+*/()%\d., ]{1,120}"
_END, _BEGIN = re.compile(f"{_SIDE}$"), re.compile(_SIDE)
_TOKEN = re.compile(r"(\d+(?:\.\d+)?|\.\d+)|([-+*/()%])|\s+")
_MAX_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Sums:
    """Equations that could be read, and those of them that are wrong."""

    read: int
    wrong: int


def check_sums(text: str) -> Sums:
    """Check every ``a op b = c`` of a text; what is not plain arithmetic is passed over."""
    read = wrong = 0
    for line in bare(text).splitlines():
        if "=" not in line:
            continue
        for before, after in pairwise(line.split("=")):
            left, right = _END.search(before[-120:]), _BEGIN.match(after)
            holds = _holds(left[0], right[0]) if left and right else None
            read += holds is not None
            wrong += holds is False
    return Sums(read, wrong)


def bare(text: str) -> str:
    """Without currency, mark-up and the ``<<2*3=6>>`` of calculators; ``2 x 3`` becomes ``2*3``."""
    return _TIMES.sub("*", _CALCULATOR.sub(" ", text).translate(_DRESSING).replace("**", ""))


def numbers_of(text: str) -> list[float]:
    """Every number that is written in digits."""
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)[:2000] if len(found) < 40]


def _holds(left: str, right: str) -> bool | None:
    """None where there is nothing to check: no operator, or something that is no sum."""
    if not any(operator in (left + right).strip().lstrip("-") for operator in "+*/-"):
        return None
    first, second = evaluate(left), evaluate(right)
    if first is None or second is None:
        return None
    return abs(first - second) <= max(0.011, abs(second) * 0.006) or abs(first * 100 - second) < 0.6


def evaluate(text: str) -> float | None:
    """The value of an arithmetic expression with ``+ - * / ( ) %``; None where it is none."""
    tokens = _tokens(re.sub(r"(?<=\d),(?=\d{3})", "", re.sub(r"^[,.]?\s+", "", text).rstrip(" .,")))
    if not tokens or len(tokens) > _MAX_TOKENS:
        return None
    reader = _Reader(tokens)
    value = reader.sum()
    return value if reader.place == len(tokens) else None


def _tokens(text: str) -> list[float | str] | None:
    tokens: list[float | str] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None
        if match[1]:
            tokens.append(float(match[1]))
        elif match[2]:
            tokens.append(match[2])
        place = match.end()
    return tokens


@dataclass(slots=True)
class _Reader:
    """Reads tokens by precedence; every method gives None where the text is not arithmetic."""

    tokens: list[float | str]
    place: int = 0

    def sum(self) -> float | None:
        value = self.product()
        while value is not None and (operator := self.take("+", "-")):
            other = self.product()
            value = None if other is None else value + other if operator == "+" else value - other
        return value

    def product(self) -> float | None:
        value = self.factor()
        while value is not None and (operator := self.take("*", "/")):
            other = self.factor()
            if other is None or (operator == "/" and other == 0):
                return None
            value = value * other if operator == "*" else value / other
        return value

    def factor(self) -> float | None:
        if self.take("-"):
            inner = self.factor()
            return None if inner is None else -inner
        if self.take("("):
            value = self.sum()
            if not self.take(")"):
                return None
        else:
            value = self.number()
        while value is not None and self.take("%"):
            value /= 100
        return value

    def number(self) -> float | None:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        if not isinstance(token, float):
            return None
        self.place += 1
        return token

    def take(self, *wanted: str) -> str | None:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        if isinstance(token, str) and token in wanted:
            self.place += 1
            return token
        return None
