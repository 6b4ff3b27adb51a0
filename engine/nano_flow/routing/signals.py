"""Signals: what a document says adds to, or takes from, a score, and the line that says so."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from nano_flow.core.messages import Json
from nano_flow.routing.reading import Reading
from nano_flow.source.regex_guard import PatternTooSlow, SafePattern, safe_pattern

F = TypeVar("F")
F_in = TypeVar("F_in", contravariant=True)
Getter = Callable[[F], object]
_SEARCHED = 50_000
"""Characters that a pattern looks at: even a pattern that cannot hang may take the square of a text's length."""


class SignalPoints(NamedTuple):
    """What one signal gave, and the line that says so (``routing.yaml:14``); ``found`` are the entries that occur."""

    signal: str
    points: float
    at: str = ""
    found: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """As in ``because`` of a decision."""
        document: dict[str, Json] = {"signal": self.signal, "points": round(self.points, 4), "at": self.at}
        return document | {"found": list(self.found)} if self.found else document


class Signal(Protocol[F_in]):
    """One entry of ``signals``."""

    @property
    def name(self) -> str:
        """How reports call it."""

    @property
    def at(self) -> str:
        """Where it is written."""

    def points(self, facts: F_in, reading: Reading) -> SignalPoints | None:
        """What it adds to the score, and why; None where it gives nothing."""


@dataclass(frozen=True, slots=True)
class CurveSignal(Generic[F]):
    """Points by a number: straight lines between the points of a curve, flat outside; an unknown fact gives none."""

    name: str
    at: str
    getter: Getter[F]
    values: tuple[float, ...]
    heights: tuple[float, ...]

    def points(self, facts: F, reading: Reading) -> SignalPoints | None:
        """The curve's height above the fact."""
        height = self.height(self.getter(facts))
        return SignalPoints(self.name, height, self.at) if height else None

    def height(self, value: object) -> float:
        """The same for a value; what is no number has none."""
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
    """An entry that is more than one plain word: all ``words`` must occur for ``pattern`` to be looked for.

    ``marked`` where its marks count (``C++``): it is then looked for in the text itself, not among its words.
    """

    text: str
    words: frozenset[bytes]
    pattern: re.Pattern[bytes]
    marked: bool = False

    def stands_in(self, reading: Reading) -> bool:
        """Whether the words occur in a row."""
        where = reading.data if self.marked else reading.folded
        return self.words <= reading.distinct and self.pattern.search(where) is not None


@dataclass(frozen=True, slots=True)
class Foreign:
    """An entry beyond ASCII: ``pattern`` holds it to whole words, where there are any.

    ``letters`` are its small ones beyond ASCII: that a text has them all is asked first, which costs a hundredth of
    the pattern's search.
    """

    text: str
    letters: frozenset[str]
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class MatchSignal(Generic[F]):
    """Points for each entry of a list that occurs, however often it does; ``entries`` are all of them, as written."""

    name: str
    at: str
    each: float
    at_most: float | None
    entries: tuple[str, ...]
    words: frozenset[bytes]
    prefixes: tuple[bytes, ...]
    phrases: tuple[Phrase, ...]
    patterns: tuple[SafePattern, ...]
    foreign: tuple[Foreign, ...]
    """Looked for only in texts beyond ASCII."""

    def points(self, facts: F, reading: Reading) -> SignalPoints | None:
        """Entries that occur × points, at most the cap."""
        found = [] if self.words.isdisjoint(reading.distinct) else [w.decode() for w in self.words & reading.distinct]
        if self.prefixes or self.phrases:
            found += [prefix[1:].decode() + "*" for prefix in self.prefixes if prefix in reading.folded]
            found += [phrase.text for phrase in self.phrases if phrase.stands_in(reading)]
        if self.patterns:
            found += [f"/{pattern.source}/" for pattern in self.patterns if _stands_in(pattern, reading.text)]
        if self.foreign and reading.beyond:
            letters = frozenset(reading.beyond.decode("utf-8", "ignore").lower())
            near = [entry for entry in self.foreign if entry.letters <= letters]
            found += [entry.text for entry in near if entry.pattern.search(reading.text)]
        return SignalPoints(self.name, self.total(len(found)), self.at, tuple(sorted(found))) if found else None

    def total(self, count: int) -> float:
        """Points for ``count`` entries."""
        return capped(count * self.each, self.at_most)


def capped(total: float, at_most: float | None) -> float:
    """``total``, at most ``at_most`` in either direction."""
    if at_most is None:
        return total
    cap = abs(at_most)
    return max(-cap, min(cap, total))


@dataclass(frozen=True, slots=True)
class Compensation(Generic[F]):
    """Points in place of a signal's words, in languages that it has no words of: none is a tier lower for that."""

    name: str
    at: str
    languages: frozenset[str]
    given: float

    def points(self, facts: F, reading: Reading) -> SignalPoints | None:
        """The points, where the language is none of the signal's."""
        language = reading.language
        return None if language in self.languages else SignalPoints(f"{self.name} in {language}", self.given, self.at)


def _stands_in(pattern: SafePattern, text: str) -> bool:
    """A pattern that would take too long on a text counts as not found: a score must not wait."""
    try:
        return pattern.found_in(text[:_SEARCHED])
    except PatternTooSlow:
        return False


def curve_signal(name: str, at: str, getter: Getter[F], curve: Sequence[Sequence[float]]) -> CurveSignal[F]:
    """A signal on a fact; ``curve`` is ``[value, points]`` by rising value."""
    return CurveSignal(name, at, getter, tuple(float(x) for x, _ in curve), tuple(float(y) for _, y in curve))


def match_signal(name: str, at: str, entries: Sequence[str], each: float, at_most: float | None) -> MatchSignal[F]:
    """A signal on words, phrases, ``prefix*`` and ``/patterns/``; the patterns were checked before."""
    words: set[bytes] = set()
    prefixes: list[bytes] = []
    phrases: list[Phrase] = []
    patterns: list[SafePattern] = []
    foreign: list[Foreign] = []
    for entry in entries:
        if is_pattern(entry):
            patterns.append(safe_pattern(entry[1:-1], ignore_case=True))
        elif not entry.isascii():
            foreign.append(_foreign(entry))
        elif re.fullmatch(r"[A-Za-z0-9_]+", entry):
            words.add(entry.lower().encode())
        elif re.fullmatch(r"[A-Za-z0-9_]+\*", entry):
            prefixes.append(f" {entry[:-1].lower()}".encode())
        else:
            phrases.append(_phrase(entry))
    listed = tuple(entry if is_pattern(entry) else entry.lower() for entry in entries)
    return MatchSignal(
        name,
        at,
        each,
        at_most,
        listed,
        frozenset(words),
        tuple(prefixes),
        tuple(phrases),
        tuple(patterns),
        tuple(foreign),
    )


def is_pattern(entry: str) -> bool:
    """Whether an entry of ``match`` is a ``/pattern/``."""
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")


def _phrase(entry: str) -> Phrase:
    """Words in a row, whatever stands between them; the last may be a prefix. Marks at an end stand for themselves."""
    parts = re.findall(r"[a-z0-9_]+\*?", entry.lower())
    whole = frozenset(part.encode() for part in parts if not part.endswith("*"))
    if not re.fullmatch(r"[A-Za-z0-9_](.*[A-Za-z0-9_*])?", entry, re.DOTALL):
        return Phrase(
            entry.lower(), whole, re.compile(rf"(?<!\w){re.escape(entry)}(?!\w)".encode(), re.IGNORECASE), True
        )
    body = " +".join(part.replace("*", "[a-z0-9_]*") for part in parts)
    return Phrase(entry.lower(), whole, re.compile(f" {body}(?![a-z0-9_])".encode()))


_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def _foreign(entry: str) -> Foreign:
    """By word where the script puts blanks between words, else anywhere."""
    stem = entry.rstrip("*")
    letters = frozenset(letter for letter in stem.lower() if not letter.isascii())
    if _UNSPACED.search(entry):
        return Foreign(entry.lower(), letters, re.compile(re.escape(stem), re.IGNORECASE))
    end = "" if entry.endswith("*") else r"(?!\w)"
    return Foreign(entry.lower(), letters, re.compile(rf"(?<!\w){re.escape(stem)}{end}", re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Questions(Generic[F]):
    """Bare questions have a score of their own: no signal of ``unless`` found as many entries as it says, and
    ``condition`` holds."""

    unless: Mapping[str, int]
    scorer: Scorer[F]
    condition: Callable[[F], bool] | None = None

    def hold(self, found: Mapping[str, int], facts: F) -> bool:
        """Whether a prompt whose words were found so often by signal is a bare question."""
        if any(found.get(name, 0) >= least for name, least in self.unless.items()):
            return False
        return self.condition is None or self.condition(facts)


@dataclass(frozen=True, slots=True)
class Scorer(Generic[F]):
    """score = clamp(base + Σ points, 0, 10); bare questions are scored by ``questions`` where it is there."""

    base: float
    signals: tuple[Signal[F], ...]
    at: str = ""
    questions: Questions[F] | None = None

    def score(self, facts: F, reading: Reading) -> tuple[float, tuple[SignalPoints, ...]]:
        """The score, and every signal that gave points, in the order of the document."""
        score, because = self._own(facts, reading)
        if self.questions is None or not self.questions.hold({p.signal: len(p.found) for p in because}, facts):
            return score, because
        return self.questions.scorer.score(facts, reading)

    def _own(self, facts: F, reading: Reading) -> tuple[float, tuple[SignalPoints, ...]]:
        total = self.base
        because = [SignalPoints("base", self.base, self.at)] if self.base else []
        for signal in self.signals:
            given = signal.points(facts, reading)
            if given is not None and given.points:
                total += given.points
                because.append(given)
        return min(10.0, max(0.0, total)), tuple(because)
