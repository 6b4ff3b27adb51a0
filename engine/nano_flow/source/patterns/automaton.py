"""Looks for a pattern in a text in one pass, without backtracking: an automaton that is determined as it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nano_flow.source.patterns.tree import Choice, Node, One, Place, Repeat, Sequence

MAX_STATES = 2_000
MAX_KEPT = 100_000
MAX_WORK = 500_000

_WORD = re.compile(r"\w")
END = ""
LAST_NEWLINE = "\n\n"
"""The symbol for a line break that ends the text, which ``$`` matches before."""


class TooMuchWork(Exception):
    """The pattern and the text together would take too long."""


@dataclass(frozen=True, slots=True)
class Step:
    """A state: one ``character`` to ``then[0]``; or a ``place`` to ``then[0]``; or, freely, to all of ``then``."""

    then: tuple[int, ...] = ()
    character: re.Pattern[str] | None = None
    place: str = ""


@dataclass(slots=True)
class Kept:
    """A determined state: which states hold after the character before, of which kind that was, and what follows."""

    states: frozenset[int]
    before: str
    next: dict[str, Kept | None] = field(default_factory=dict)


class Automaton:
    """One pattern, ready to search."""

    def __init__(self, tree: Node, flags: re.RegexFlag) -> None:
        self.flags = flags
        self.steps: list[Step] = [Step()]  # state 0 is the end: found
        self.first = self._build(tree, 0)
        self.kept: dict[tuple[frozenset[int], str], Kept] = {}
        self.count = 0

    def found_in(self, text: str) -> bool:
        """True where the pattern is found anywhere. Raises TooMuchWork."""
        work = 0
        state = self._keep(frozenset((self.first,)), "start")
        body, tail = (text[:-1], (LAST_NEWLINE, END)) if text.endswith("\n") else (text, (END,))
        for symbols in (body, tail):
            for symbol in symbols:
                following = state.next.get(symbol, state)
                if following is state and symbol not in state.next:
                    work += len(state.states) + 8
                    if work > MAX_WORK:
                        raise TooMuchWork
                    following = self._advance(state, symbol)
                if following is None:
                    return True
                state = following
        return False

    def _keep(self, states: frozenset[int], before: str) -> Kept:
        key = (states, before)
        found = self.kept.get(key)
        if found is None:
            found = self.kept[key] = Kept(states, before)
        return found

    def _advance(self, state: Kept, symbol: str) -> Kept | None:
        """What holds after ``symbol``, None where the pattern was found before it."""
        self.count += 1 + len(state.states)
        if self.count > MAX_KEPT:
            self.kept.clear()
            self.count = 0
            state.next.clear()
        reached = self._reached(state, symbol)
        following: Kept | None = None
        if 0 not in reached:
            character = symbol[:1]
            states = {self.first}
            for number in reached:
                step = self.steps[number]
                if step.character is not None and character and step.character.fullmatch(character):
                    states.add(step.then[0])
            following = self._keep(frozenset(states), _kind(character))
        state.next[symbol] = following
        return following

    def _reached(self, state: Kept, symbol: str) -> set[int]:
        """All states that are reached without a character, before ``symbol``."""
        reached: set[int] = set()
        stack = list(state.states)
        while stack:
            number = stack.pop()
            if number in reached:
                continue
            reached.add(number)
            step = self.steps[number]
            if step.character is None and (not step.place or _holds(step.place, state.before, symbol)):
                stack.extend(step.then)
        return reached

    def _add(self, step: Step) -> int:
        if len(self.steps) >= MAX_STATES:
            raise OverflowError
        self.steps.append(step)
        return len(self.steps) - 1

    def _build(self, node: Node, then: int) -> int:
        """Add the states of ``node``, which go on to ``then``; the first of them. Raises OverflowError."""
        if isinstance(node, One):
            return self._add(Step((then,), re.compile(node.source, self.flags)))
        if isinstance(node, Place):
            return self._add(Step((then,), place=node.kind))
        if isinstance(node, Choice):
            return self._add(Step(tuple(self._build(branch, then) for branch in node.branches)))
        if isinstance(node, Repeat):
            return self._build_repeat(node, then)
        assert isinstance(node, Sequence)
        for part in reversed(node.parts):
            then = self._build(part, then)
        return then

    def _build_repeat(self, node: Repeat, then: int) -> int:
        after = then
        if node.most is None:
            again = self._add(Step())
            self.steps[again] = Step((self._build(node.part, again), after))
            then = again
        else:
            for _ in range(node.most - node.least):
                then = self._add(Step((self._build(node.part, then), after)))
        for _ in range(node.least):
            then = self._build(node.part, then)
        return then


def _kind(character: str) -> str:
    if character == "\n":
        return "newline"
    return "word" if _WORD.match(character) else "other"


def _holds(place: str, before: str, symbol: str) -> bool:
    at_end = symbol == END
    if place == "start":
        return before == "start"
    if place == "start_of_line":
        return before in ("start", "newline")
    if place == "end":
        return at_end
    if place == "last":
        return at_end or symbol == LAST_NEWLINE
    if place == "end_of_line":
        return at_end or symbol[0] == "\n"
    edge = (before == "word") != (not at_end and _WORD.match(symbol) is not None)
    return edge if place == "edge" else not edge
