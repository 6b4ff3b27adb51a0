"""Signals: what a document says adds to, or takes from, a score, and the line that says so."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from nano_flow.core.messages import Json
from nano_flow.routing.reading import Reading

F = TypeVar("F")
F_in = TypeVar("F_in", contravariant=True)
Getter = Callable[[F], object]
_SEARCHED = 50_000
"""Characters that a pattern looks at: even a pattern that cannot hang may take the square of a text's length."""


@dataclass(frozen=True, slots=True)
class SignalPoints:
    """What one signal gave, and the line that says so (``routing.yaml:14``)."""

    signal: str
    points: float
    at: str = ""

    def as_json(self) -> dict[str, Json]:
        """As in ``because`` of a decision."""
        return {"signal": self.signal, "points": round(self.points, 4), "at": self.at}


class Signal(Protocol[F_in]):
    """One entry of ``signals``."""

    @property
    def name(self) -> str:
        """How reports call it."""

    @property
    def at(self) -> str:
        """Where it is written."""

    def points(self, facts: F_in, reading: Reading) -> float:
        """What it adds to the score."""


@dataclass(frozen=True, slots=True)
class CurveSignal(Generic[F]):
    """Points by a number: straight lines between the points of a curve, flat outside; an unknown fact gives none."""

    name: str
    at: str
    getter: Getter[F]
    values: tuple[float, ...]
    heights: tuple[float, ...]

    def points(self, facts: F, reading: Reading) -> float:
        """The curve's height above the fact."""
        value = self.getter(facts)
        if not isinstance(value, int | float):
            return 0.0
        right = bisect_right(self.values, value)
        if right == 0:
            return self.heights[0]
        if right == len(self.values):
            return self.heights[-1]
        left = right - 1
        share = (value - self.values[left]) / (self.values[right] - self.values[left])
        return self.heights[left] + share * (self.heights[right] - self.heights[left])


@dataclass(frozen=True, slots=True)
class Phrase:
    """An entry that is more than one plain word: all ``words`` must occur for ``pattern`` to be looked for."""

    words: frozenset[bytes]
    pattern: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Foreign:
    """An entry beyond ASCII: ``forms`` are how it is written, ``pattern`` holds it to whole words, where there are any.

    A plain search for the forms comes first: it costs a fiftieth of the pattern's.
    """

    forms: tuple[str, ...]
    pattern: re.Pattern[str]

    def stands_in(self, text: str) -> bool:
        """Whether the entry occurs."""
        return any(form in text for form in self.forms) and self.pattern.search(text) is not None


@dataclass(frozen=True, slots=True)
class MatchSignal(Generic[F]):
    """Points for each entry of a list that occurs, however often it does."""

    name: str
    at: str
    each: float
    at_most: float | None
    words: frozenset[bytes]
    prefixes: tuple[bytes, ...]
    phrases: tuple[Phrase, ...]
    patterns: tuple[re.Pattern[str], ...]
    foreign: tuple[Foreign, ...]
    """Looked for only in texts beyond ASCII."""

    def points(self, facts: F, reading: Reading) -> float:
        """Entries that occur × points, at most the cap."""
        found = len(self.words & reading.distinct)
        for prefix in self.prefixes:
            found += prefix in reading.folded
        for phrase in self.phrases:
            found += phrase.words <= reading.distinct and phrase.pattern.search(reading.folded) is not None
        for pattern in self.patterns:
            found += pattern.search(reading.text, 0, _SEARCHED) is not None
        if self.foreign and len(reading.text) != len(reading.data):
            found += sum(entry.stands_in(reading.text) for entry in self.foreign)
        total = found * self.each
        if self.at_most is None:
            return total
        cap = abs(self.at_most)
        return max(-cap, min(cap, total))


def curve_signal(name: str, at: str, getter: Getter[F], curve: Sequence[Sequence[float]]) -> CurveSignal[F]:
    """A signal on a fact; ``curve`` is ``[value, points]`` by rising value."""
    return CurveSignal(name, at, getter, tuple(float(x) for x, _ in curve), tuple(float(y) for _, y in curve))


def match_signal(name: str, at: str, entries: Sequence[str], each: float, at_most: float | None) -> MatchSignal[F]:
    """A signal on words, phrases, ``prefix*`` and ``/patterns/``; the patterns were checked before."""
    words: set[bytes] = set()
    prefixes: list[bytes] = []
    phrases: list[Phrase] = []
    patterns: list[re.Pattern[str]] = []
    foreign: list[Foreign] = []
    for entry in entries:
        if is_pattern(entry):
            patterns.append(re.compile(entry[1:-1], re.IGNORECASE))
        elif not entry.isascii():
            foreign.append(_foreign(entry))
        elif re.fullmatch(r"[A-Za-z0-9_]+", entry):
            words.add(entry.lower().encode())
        elif re.fullmatch(r"[A-Za-z0-9_]+\*", entry):
            prefixes.append(f" {entry[:-1].lower()}".encode())
        else:
            phrases.append(_phrase(entry))
    return MatchSignal(
        name, at, each, at_most, frozenset(words), tuple(prefixes), tuple(phrases), tuple(patterns), tuple(foreign)
    )


def is_pattern(entry: str) -> bool:
    """Whether an entry of ``match`` is a ``/pattern/``."""
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


def _phrase(entry: str) -> Phrase:
    """Words in a row, whatever stands between them; the last may be a prefix."""
    parts = re.findall(r"[a-z0-9_]+\*?", entry.lower())
    whole = frozenset(part.encode() for part in parts if not part.endswith("*"))
    body = " +".join(part.replace("*", "[a-z0-9_]*") for part in parts)
    return Phrase(whole, re.compile(f" {body}(?![a-z0-9_])".encode()))


_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def _foreign(entry: str) -> Foreign:
    """By word where the script puts blanks between words, else anywhere."""
    stem = entry.rstrip("*")
    forms = tuple(dict.fromkeys((stem.lower(), stem.capitalize(), stem.upper())))
    if _UNSPACED.search(entry):
        return Foreign(forms, re.compile(re.escape(stem), re.IGNORECASE))
    end = "" if entry.endswith("*") else r"(?!\w)"
    return Foreign(forms, re.compile(rf"(?<!\w){re.escape(stem)}{end}", re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Scorer(Generic[F]):
    """score = clamp(base + Σ points, 0, 10)."""

    base: float
    signals: tuple[Signal[F], ...]
    at: str = ""

    def score(self, facts: F, reading: Reading) -> tuple[float, tuple[SignalPoints, ...]]:
        """The score, and every signal that gave points, in the order of the document."""
        total = self.base
        because = [SignalPoints("base", self.base, self.at)] if self.base else []
        for signal in self.signals:
            points = signal.points(facts, reading)
            if points:
                total += points
                because.append(SignalPoints(signal.name, points, signal.at))
        return min(10.0, max(0.0, total)), tuple(because)
