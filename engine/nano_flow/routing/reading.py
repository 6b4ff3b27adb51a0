"""Reads a text once into the forms that facts and signals look at; linear, on bytes, in any language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, prepared: ``folded`` is lower-case ASCII words between single-byte blanks, ``shape`` its outline.

    In ``shape`` a lower-case letter is ``a``, a capital ``A``, a digit ``0``, any byte beyond ASCII ``u``, a blank a
    blank; everything else stays what it is, so that ``\\n0. `` finds a numbered line whatever its number.
    """

    text: str
    data: bytes
    folded: bytes
    shape: bytes
    words: tuple[bytes, ...]
    distinct: frozenset[bytes]


_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_WORD_BYTES = frozenset(_LETTERS + _LETTERS.upper() + b"0123456789_" + bytes(range(128, 256)))
_FOLD = bytes(ord(chr(b).lower()) if b < 128 and b in _WORD_BYTES else b if b in _WORD_BYTES else 32 for b in range(256))


def _outline(byte: int) -> int:
    character = chr(byte)
    if byte >= 128:
        return ord("u")
    if character.islower():
        return ord("a")
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
_PLAIN_MARKS = tuple((mark.encode(), plain.encode()) for mark, plain in _MARKS)


def read_text(text: str) -> Reading:
    """Prepare ``text``. Lone surrogates, which UTF-8 cannot hold, count as question marks of no meaning."""
    data = text.encode("utf-8", "replace")
    if not text.isascii():
        for mark, plain in _PLAIN_MARKS:
            data = data.replace(mark, plain)
    folded = data.translate(_FOLD)
    words = tuple(folded.split()) if text.isascii() else _words(folded)
    return Reading(text, data, folded, data.translate(_OUTLINE), words, frozenset(words))


_UNSPACED = frozenset(range(0xE3, 0xEA))
"""First bytes of Chinese and Japanese characters in UTF-8."""


def _words(folded: bytes) -> tuple[bytes, ...]:
    """Words of a text beyond ASCII; scripts without blanks between words are cut into pairs of characters."""
    words: list[bytes] = []
    for word in folded.split():
        if len(word) > 40 or (len(word) > 6 and word[0] in _UNSPACED):
            letters = word.decode("utf-8", "replace")
            words += [letters[i : i + 2].encode() for i in range(0, len(letters), 2)]
        else:
            words.append(word)
    return tuple(words)
