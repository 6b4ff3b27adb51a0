"""Two texts, word by word: what stayed, what went, what came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_MOST = 4000
"""Words that are still compared one by one; longer texts are compared by lines."""
_WORD, _LINE = re.compile(r"\s+|\w+|[^\w\s]"), re.compile(r"[^\n]*\n|[^\n]+")


class Piece(NamedTuple):
    """A stretch of text, and whether it is in both, only in the old or only in the new one."""

    kind: str
    text: str


def word_diff(old: str, new: str) -> list[Piece]:
    """The pieces in their order; ``kind`` is same, del or ins."""
    first, second = _WORD.findall(old), _WORD.findall(new)
    if len(first) + len(second) > _MOST:
        first, second = _LINE.findall(old), _LINE.findall(new)
    pieces = list[Piece]()
    for tag, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", _joined(first, a, b)))
            continue
        if b > a:
            pieces.append(Piece("del", _joined(first, a, b)))
        if d > c:
            pieces.append(Piece("ins", _joined(second, c, d)))
    return pieces


def _joined(words: Sequence[str], start: int, end: int) -> str:
    return "".join(words[start:end])
