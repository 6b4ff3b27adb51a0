"""Reads a text once into the forms that facts and signals look at; linear, on bytes, in any language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, prepared.

    ``folded`` is lower-case words, with blanks for all that is no letter, digit or byte beyond ASCII. ``skeleton`` is
    the text without its lower-case letters, with ``A`` for a capital, ``0`` for a digit, ``u`` for a byte beyond ASCII:
    a quarter of the text, in which ``\\n0. `` finds a numbered line whatever its number.
    """

    text: str
    data: bytes
    folded: bytes
    skeleton: bytes
    word_count: int
    distinct: frozenset[bytes]


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
_PLAIN_MARKS = tuple((mark.encode(), plain.encode()) for mark, plain in _MARKS)


def read_text(text: str) -> Reading:
    """Prepare ``text``. Lone surrogates, which UTF-8 cannot hold, become question marks."""
    data = text.encode("utf-8", "replace")
    beyond = b"" if text.isascii() else data.translate(None, _ASCII)
    for mark, plain in _PLAIN_MARKS if beyond else ():
        if mark in beyond:
            data = data.replace(mark, plain)
    folded = data.translate(_FOLD)
    words = folded.split()
    if beyond and (b"\xe0\xb8" in beyond or beyond.translate(None, _SPACED) != b""):
        words = [part for word in words for part in _parts(word)]
    return Reading(text, data, folded, data.translate(_OUTLINE, _LETTERS), len(words), frozenset(words))


_ASCII = bytes(range(128))
_UNSPACED = frozenset(range(0xE3, 0xEA))
"""First bytes of Chinese and Japanese characters in UTF-8; Thai is found by its two."""
_SPACED = bytes(b for b in range(256) if b not in _UNSPACED)


def _parts(word: bytes) -> list[bytes]:
    """Scripts without blanks between words are cut into six bytes, two characters: good enough to count."""
    return [word] if len(word) <= 6 or word.isascii() else [word[i : i + 6] for i in range(0, len(word), 6)]


def estimate_tokens(reading: Reading) -> int:
    """Tokens of a text without a tokenizer: four ASCII characters, or three bytes beyond ASCII, are about one."""
    wide = reading.skeleton.count(b"u")
    return (len(reading.data) - wide + 3) // 4 + (wide + 2) // 3
