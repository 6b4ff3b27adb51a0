"""How much is asked, and in what form: counted on the asked part alone, in any language.

Whoever asks for much at once writes long sentences of many clauses; whoever wants something looked up writes a short
one, and names fields and numbers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from nano_flow.routing.words.asked import Asked, english_words, sentences

_COMMAS, _COLONS = ",，、،", ":："
_NUMBER = re.compile(r"\d+")


class AskedFacts(NamedTuple):
    """Lengths are words of an English text of the same content."""

    asked_words: float
    asked_longest: float
    """Words of its longest sentence."""
    asked_commas: int
    asked_colons: int
    asked_numbers: int


def asked_facts(asked: Asked) -> AskedFacts:
    """Count one asked part."""
    text = asked.ask.text
    return AskedFacts(
        round(english_words(text), 1),
        round(max(map(english_words, sentences(text)), default=0.0), 1),
        sum(map(text.count, _COMMAS)),
        sum(map(text.count, _COLONS)),
        len(_NUMBER.findall(text)),
    )
