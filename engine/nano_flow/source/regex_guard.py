"""Regular expressions from documents and templates: which ones are accepted, and a search that cannot hang.

Python's syntax without look-around, references back to groups and atomic groups. Where backtracking is provably cheap
on the text at hand, Python's own matcher is used; everywhere else an automaton that reads the text once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nano_flow.source.patterns.automaton import Automaton

MAX_PATTERN = 1_000
CHEAP = 2_000_000
"""Steps of Python's matcher that are tried at the most: about twenty milliseconds."""


class PatternTooSlow(Exception):
    """A pattern cannot be looked for in this text in a reasonable time."""


@dataclass(frozen=True, slots=True)
class SafePattern:
    """A pattern that was accepted."""

    source: str
    expression: re.Pattern[str]
    steps: int
    stars: int

    def is_cheap(self, text: str) -> bool:
        """Whether Python's matcher takes little time on ``text``, whatever it is."""
        most: int = self.steps * (len(text) + 1) ** (self.stars + 1)
        return most <= CHEAP

    def found_in(self, text: str) -> bool:
        """True where the pattern is found anywhere in ``text``. Raises PatternTooSlow."""
        if self.is_cheap(text):
            return self.expression.search(text) is not None
        from nano_flow.source.patterns.automaton import TooMuchWork

        try:
            return _automaton(self.source, self.expression.flags).found_in(text)
        except TooMuchWork:
            shown = f"{len(text):,} characters"
            raise PatternTooSlow(f'the pattern "{self.source[:60]}" takes too long on a text of {shown}') from None


def check_pattern(pattern: str) -> str | None:
    """Why ``pattern`` cannot be used, in a few words; None where it can.

    An accepted pattern is safe with ``search`` and ``SafePattern.found_in``, not with Python's own ``re``.
    """
    result = _compiled(pattern, False)
    return result if isinstance(result, str) else None


def safe_pattern(pattern: str, *, ignore_case: bool = False) -> SafePattern:
    """``pattern`` ready to be looked for. Raises ValueError, with the reason, where ``check_pattern`` refuses it."""
    result = _compiled(pattern, ignore_case)
    if isinstance(result, str):
        raise ValueError(result)
    return result


def search(pattern: str, text: str) -> bool:
    """True where ``pattern`` is found anywhere in ``text``. Raises ValueError or PatternTooSlow."""
    return safe_pattern(pattern).found_in(text)


_LINE_BREAKS = re.compile(r"\\[nrsSWDAZ]|\[\^|[\^$]|\(\?[a-zA-Z]")
"""What in a pattern may take in a line break, or stand for the ends of the whole text."""


def substitute(pattern: str, replacement: str, text: str, made: Callable[[int], None]) -> str:
    """``text`` with every match of ``pattern`` replaced as ``re.sub`` would; ``made`` is told of each piece's length.

    A long text is taken line by line where the pattern cannot see over a line's end. Raises ValueError or re.error for
    what cannot be used, PatternTooSlow where it might take long.
    """
    safe = safe_pattern(pattern)
    by_line = not safe.is_cheap(text) and _LINE_BREAKS.search(pattern) is None
    pieces: list[str] = []
    for number, part in enumerate(text.split("\n") if by_line else [text]):
        if number:
            pieces.append("\n")
        if not safe.is_cheap(part):
            shown = f"{len(part):,} characters"
            raise PatternTooSlow(f'the pattern "{pattern[:60]}" takes too long on a text of {shown}')
        end = 0
        for match in safe.expression.finditer(part):
            new = match.expand(replacement)
            made(len(new))
            pieces += [part[end : match.start()], new]
            end = match.end()
        pieces.append(part[end:])
    return "".join(pieces)


@lru_cache(maxsize=1024)
def _compiled(pattern: str, ignore_case: bool) -> SafePattern | str:
    from nano_flow.source.patterns.parsing import Parser, PatternFault
    from nano_flow.source.patterns.tree import effort

    if len(pattern) > MAX_PATTERN:
        return f"it is longer than {MAX_PATTERN:,} characters"
    parser = Parser(pattern)
    try:
        tree = parser.parse()
        expression = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        _automaton(pattern, expression.flags)
    except PatternFault as fault:
        return str(fault)
    except OverflowError:
        return "its counts make it too large; use smaller ones"
    except (re.error, RecursionError) as error:
        return f"it is no regular expression: {error}"
    needed = effort(tree)
    return SafePattern(pattern, expression, max(1, needed.ways * max(needed.length, 1)), needed.stars)


@lru_cache(maxsize=256)
def _automaton(pattern: str, flags: int) -> Automaton:
    from nano_flow.source.patterns.automaton import Automaton
    from nano_flow.source.patterns.parsing import Parser

    return Automaton(Parser(pattern).parse(), re.RegexFlag(flags))
