"""Reads a text once into the forms that facts and signals look at; linear, on bytes, in any language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from nano_flow.routing.words.asked import PARTS, Asked, asked_part
from nano_flow.routing.words.language import language_of
from nano_flow.routing.words.personal import personal_data


@dataclass(frozen=True)
class Reading:
    """One text, prepared.

    ``folded`` begins with a blank and is lower-case words, with blanks for all that is no letter, digit or byte beyond
    ASCII. ``skeleton`` is the text without its lower-case letters, with ``A`` for a capital, ``0`` for a digit, ``u``
    for a byte beyond ASCII: a quarter of the text, in which ``\\n0. `` finds a numbered line whatever its number.
    ``distinct`` are the words of the beginning and the end, ``looked_at`` of them: all but of very long texts.
    ``beyond`` are the bytes beyond ASCII, few in most texts: what is not there need not be looked for elsewhere.
    """

    text: str
    data: bytes
    folded: bytes
    skeleton: bytes
    word_count: int
    looked_at: int
    distinct: frozenset[bytes]
    beyond: bytes = b""
    wide: int = 0
    """Its Chinese and Japanese characters, of which a blank stands between no two."""
    spaced: int = 0
    """Its words of ASCII, where there are such characters."""

    @cached_property
    def asked(self) -> Asked:
        """What the text asks for, apart from the material that it asks it of."""
        return asked_part(self.text)

    @cached_property
    def placed(self) -> frozenset[bytes]:
        """Its words, and those of what it asks with their part before them: ``ask:prove``."""
        parts = {part: getattr(self.asked, part).words for part in PARTS} if self.text else {}
        return self.distinct | {f"{part}:{word}".encode() for part, words in parts.items() for word in words}

    @cached_property
    def personal(self) -> tuple[str, ...]:
        """The kinds of personal data that it holds."""
        whole = self.looked_at == self.word_count and not self.wide
        return personal_data(self.text, self.distinct if whole else None)

    @cached_property
    def language(self) -> str:
        """The language of what it asks, as ISO 639-1; "en" where nothing tells."""
        return language_of(self.asked.ask)


def without_text(personal: Sequence[str]) -> Reading:
    """A text that was not kept, and the kinds of personal data that it held."""
    reading = read_text("")
    reading.__dict__["personal"] = tuple(personal)
    return reading


_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_WORD_BYTES = frozenset(_LETTERS + _LETTERS.upper() + b"0123456789_" + bytes(range(128, 256)))
_FOLD = bytes(
    ord(chr(b).lower()) if b < 128 and b in _WORD_BYTES else b if b in _WORD_BYTES else 32 for b in range(256)
)


def _outline(byte: int) -> int:
    character = chr(byte)
    if byte >= 128:
        return ord("u")
    if character.isupper():
        return ord("A")
    if character.isdigit():
        return ord("0")
    return 32 if character in "\t\r\f\v" else byte


_OUTLINE = bytes(_outline(b) for b in range(256))

# Typographic marks glue themselves to words unless they are blanked; their ASCII forms also let structure be counted.
_MARKS = (
    ("’", "'"),
    ("‘", "'"),
    ("“", '"'),
    ("”", '"'),
    ("«", '"'),
    ("»", '"'),
    ("–", "-"),
    ("—", "-"),
    ("…", "."),
    ("\u00a0", " "),
    ("。", ". "),
    ("．", ". "),
    ("！", "! "),
    ("？", "? "),
    ("，", ", "),
    ("、", ", "),
    ("；", "; "),
    ("：", ": "),
    ("（", " ("),
    ("）", ") "),
    ("؟", "? "),
    ("،", ", "),
    ("।", ". "),
    ("¿", " "),
    ("¡", " "),
)
_PLAIN_MARKS = {
    lead: tuple((mark.encode(), plain.encode()) for mark, plain in _MARKS if mark.encode().startswith(lead))
    for lead in dict.fromkeys(mark.encode()[:-1] for mark, _ in _MARKS)
}
"""Marks by the bytes that they begin with: what is not there is not looked for one by one."""

_ZEROS = tuple(chr(zero).encode() for zero in (0x660, 0x6F0, 0x966, 0xE50, 0xFF10))
"""The digits of Arabic, Persian, Devanagari, Thai and full width begin here; they count as digits."""
_DIGITS = tuple(
    (zero[:-1], zero[-1] - ord("0"), re.compile(re.escape(zero[:-1]) + b"[%c-%c]" % (zero[-1], zero[-1] + 9)))
    for zero in _ZEROS
)


def read_text(text: str) -> Reading:
    """Prepare ``text``. Lone surrogates, which UTF-8 cannot hold, become question marks."""
    data = text.encode("utf-8", "replace")
    beyond = b"" if text.isascii() else beyond_ascii(data)
    wide = len(beyond.translate(None, _SPACED)) if beyond else 0
    for lead, marks in _PLAIN_MARKS.items() if beyond else ():
        if lead in beyond:
            for mark, plain in marks:
                data = data.replace(mark, plain) if mark in beyond else data
    for lead, shift, digits in _DIGITS if beyond else ():
        if lead in beyond and digits.search(beyond):
            data = digits.sub(lambda digit, shift=shift: bytes((digit[0][-1] - shift,)), data)  # type: ignore[misc]
    folded = b" " + data.translate(_FOLD)
    words = folded.split()
    skipped = max(0, len(words) - _FIRST_WORDS - _LAST_WORDS)
    if skipped:
        words = words[:_FIRST_WORDS] + words[-_LAST_WORDS:]
    spaced = 0
    if wide or (beyond and b"\xe0\xb8" in beyond):
        words = [word for word in words if word.isascii()]
        spaced = len(words) + skipped
        words += _pieces(folded)
    skeleton = data.translate(_OUTLINE, _LETTERS)
    counted = (len(words) + skipped, len(words))
    return Reading(text, data, folded, skeleton, *counted, frozenset(words), beyond, wide, spaced)


def beyond_ascii(data: bytes) -> bytes:
    """What is left of ``data`` without its ASCII."""
    return data.translate(None, _ASCII)


_FIRST_WORDS, _LAST_WORDS = 1500, 500
"""Where what is wanted stands: the words between them are counted and not looked at."""
_ASCII = bytes(range(128))
_UNSPACED = frozenset(range(0xE3, 0xEA))
"""First bytes of Chinese and Japanese characters in UTF-8; Thai is found by its two."""
_SPACED = bytes(b for b in range(256) if b not in _UNSPACED)


def _pieces(folded: bytes) -> list[bytes]:
    """Scripts without blanks between words are cut into six bytes, two characters: good enough to count."""
    wide = folded.translate(None, _ASCII)[: 6 * (_FIRST_WORDS + _LAST_WORDS)]
    return [wide[place : place + 6] for place in range(0, len(wide), 6)]


def estimate_tokens(reading: Reading) -> int:
    """Tokens of a text without a tokenizer: four ASCII characters, or three bytes beyond ASCII, are about one."""
    wide = reading.skeleton.count(b"u") if reading.beyond else 0
    return (len(reading.data) - wide + 3) // 4 + (wide + 2) // 3
