"""Signals on words of what is asked: of the whole asked part, of its opening, or of its short remarks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from nano_flow.routing.reading import Reading
from nano_flow.routing.signals import SignalPoints, capped, is_pattern
from nano_flow.routing.words.asked import HEAD, Part, plain
from nano_flow.source.regex_guard import SafePattern, safe_pattern

F = TypeVar("F")
_ANYWHERE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts without blanks between words, or whose words grow at their ends: entries are looked for anywhere."""
_LETTERS = re.compile(r"[^\w\u0300-\u036f\u0900-\u0963\u0966-\u097f-]+")


@dataclass(frozen=True, slots=True)
class WordList:
    """Entries of a document, sorted by how they are found."""

    words: frozenset[str]
    prefixes: dict[str, tuple[str, ...]]
    """By their first four letters; there are none shorter."""
    phrases: dict[str, tuple[str, ...]]
    """By their first word; each with a blank before it, and after it unless it ends in ``*``."""
    anywhere: dict[str, tuple[str, ...]]
    """By their first character."""
    patterns: tuple[SafePattern, ...]
    heads: frozenset[str] = frozenset()
    firsts: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    """What prefixes, phrases and entries that stand anywhere begin with: most texts have little of it."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.words or self.prefixes or self.phrases or self.anywhere or self.patterns)

    def found(self, part: Part) -> list[str]:
        """The entries that occur, as written but for case; for each word of the text one, the longest."""
        words = part.words
        found: list[str] = [] if self.words.isdisjoint(words) else [*(self.words & words)]
        near = self.heads & part.beginnings
        if near:
            heads, prefixes = part.heads, self.prefixes
            begun = {_longest(word, prefixes[head]) for head in near for word in heads[head] if word not in self.words}
            found += begun - {""}
        for first in self.firsts & words:
            found += [_shown(phrase) for phrase in self.phrases[first] if phrase in part.folded]
        if part.letters and self.letters:
            firsts = self.letters & part.letters
            found += _not_inside_others([e for first in firsts for e in self.anywhere[first] if e in part.folded])
        if self.patterns:
            found += [f"/{pattern.source}/" for pattern in self.patterns if pattern.found_in(part.text)]
        return found


def _longest(word: str, prefixes: tuple[str, ...]) -> str:
    """The entry that a word begins with: they stand by length, the longest first."""
    return next((f"{prefix}*" for prefix in prefixes if word.startswith(prefix)), "")


def _not_inside_others(found: list[str]) -> list[str]:
    return [entry for entry in found if not any(entry in other and entry != other for other in found)]


@dataclass(frozen=True, slots=True)
class WithinSignal(Generic[F]):
    """Points for each entry that occurs in one part of the prompt; entries are kept as ``part:entry``."""

    name: str
    at: str
    within: str
    each: float
    at_most: float | None
    entries: tuple[str, ...]
    listed: WordList

    def points(self, facts: F, reading: Reading) -> SignalPoints | None:
        """Entries that occur × points, at most the cap."""
        found = self.listed.found(getattr(reading.asked, self.within))
        if not found:
            return None
        shown = tuple(f"{self.within}:{entry}" for entry in sorted(found))
        return SignalPoints(self.name, self.total(len(found)), self.at, shown)

    def total(self, count: int) -> float:
        """Points for ``count`` entries."""
        return capped(count * self.each, self.at_most)


def word_list(entries: Sequence[str]) -> WordList:
    """Sort entries by how they are found; patterns were checked before."""
    words: set[str] = set()
    prefixes: dict[str, list[str]] = {}
    phrases: dict[str, list[str]] = {}
    anywhere: dict[str, list[str]] = {}
    patterns: list[SafePattern] = []
    for entry in entries:
        if is_pattern(entry):
            patterns.append(safe_pattern(entry[1:-1], ignore_case=True))
            continue
        cut, text = entry.endswith("*"), _LETTERS.sub(" ", plain(entry.rstrip("*"))).strip()
        if _ANYWHERE.search(entry):
            anywhere.setdefault(text[0], []).append(text)
        elif " " in text:
            phrases.setdefault(text.split(" ", 1)[0], []).append(f" {text}" if cut else f" {text} ")
        elif cut and len(text) >= HEAD:
            prefixes.setdefault(text[:HEAD], []).append(text)
        else:
            words.add(text)
    return WordList(
        frozenset(words),
        {head: tuple(sorted(set(found), key=len, reverse=True)) for head, found in prefixes.items()},
        {first: tuple(found) for first, found in phrases.items()},
        {first: tuple(dict.fromkeys(found)) for first, found in anywhere.items()},
        tuple(patterns),
        frozenset(prefixes),
        frozenset(phrases),
        frozenset(anywhere),
    )


def within_signal(
    name: str, at: str, within: str, entries: Sequence[str], each: float, at_most: float | None
) -> WithinSignal[F]:
    """A signal on words of one part."""
    listed = word_list(entries)
    return WithinSignal(name, at, within, each, at_most, tuple(f"{within}:{e}" for e in _all_shown(listed)), listed)


def _all_shown(listed: WordList) -> list[str]:
    shown = [*sorted(listed.words), *(f"{p}*" for found in listed.prefixes.values() for p in found)]
    shown += [_shown(phrase) for found in listed.phrases.values() for phrase in found]
    shown += [entry for found in listed.anywhere.values() for entry in found]
    return [*shown, *(f"/{pattern.source}/" for pattern in listed.patterns)]


def _shown(phrase: str) -> str:
    return phrase.strip() if phrase.endswith(" ") else f"{phrase.strip()}*"
