"""What the commands about the past share: the room on the terminal, and its colours."""

from __future__ import annotations

from nano_flow.cli import output

_PIPE = 120
_LOOKS: dict[str, output.Style] = {"good": "good", "bad": "bad", "warn": "warn", "dim": "dim", "strong": "strong"}


def width() -> int:
    """Columns of the terminal; a pipe has some more."""
    return output.width(_PIPE)


def paint(text: str, look: str) -> str:
    """Colour ``text`` for stdout, where colours are wanted."""
    return output.style(text, _LOOKS.get(look, "plain"))
