"""Foreign text on a terminal: nothing in it may move the cursor, hide, or take more room than it was given."""

from __future__ import annotations

from unicodedata import category, combining, east_asian_width

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control and format characters (escapes, bidi marks), halves of surrogate pairs, other line ends."""


def printable(text: str) -> str:
    """``text`` on one line, with what a terminal could obey spelt out (``\\x1b``, ``\\u202e``)."""
    line = " ".join(text.split()) if not text.isprintable() or "  " in text else text
    if line.isprintable():
        return line
    return "".join(map(_shown, line))


def printable_lines(text: str) -> list[str]:
    """The lines of ``text`` as they are, indentation too, with what a terminal could obey spelt out."""
    lines = [line.expandtabs(4) for line in text.splitlines()]
    return [line if line.isprintable() else "".join(map(_shown, line)) for line in lines]


def columns(text: str) -> int:
    """The columns that printable ``text`` takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def clip(text: str, width: int) -> str:
    """``printable`` text in at most ``width`` columns; what does not fit ends in ``…``."""
    line = printable(text[: 4 * width + 64]) if len(text) > 4 * width + 64 else printable(text)
    if columns(line) <= width and len(text) <= 4 * width + 64:
        return line
    kept, taken = [], 0
    for character in line:
        taken += _columns(character)
        if taken >= width:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _shown(character: str) -> str:
    if category(character) not in _UNSAFE:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
