"""Diagnostics as text: place, code, message, the source line with a caret, what to type instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from unicodedata import combining, east_asian_width

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.source.reading.text_checks import escaped
from nano_flow.source.source_map import Lines

SHOWN_AT_MOST = 50
_INDENT = "    "
Paint = Callable[[str, str], str]
"""(text, "error" | "warning" | "hint" | "caret") → the text in the colour of its role."""
ReadText = Callable[[str], str | None]
"""The text of a file that a diagnostic names; None where it cannot be read."""


def plain(text: str, role: str) -> str:
    """No colours."""
    return text


def diagnostics_text(
    diagnostics: Sequence[Diagnostic],
    read_text: ReadText,
    *,
    paint: Paint = plain,
    width: int = 100,
    at_most: int = SHOWN_AT_MOST,
) -> str:
    """All of ``diagnostics``, each with its source line; beyond ``at_most`` the rest is counted."""
    files: dict[str, Lines | None] = {}
    shown = []
    for diagnostic in diagnostics[:at_most]:
        file = diagnostic.where.file
        if file not in files:
            text = read_text(file)
            files[file] = None if text is None else Lines(file, text)
        shown.append(_diagnostic(diagnostic, files[file], paint, width))
    if len(diagnostics) > at_most:
        shown.append(f"and {len(diagnostics) - at_most} more; --json lists them")
    return "\n".join(shown)


def _diagnostic(diagnostic: Diagnostic, lines: Lines | None, paint: Paint, width: int) -> str:
    label = paint(f"{diagnostic.severity} {diagnostic.code}", diagnostic.severity)
    parts = [f"{escaped(str(diagnostic.where))}  {label}  {escaped(diagnostic.message)}"]
    if lines is not None:
        parts += _excerpt(diagnostic, lines, paint, max(20, width - len(_INDENT)))
    if diagnostic.hint:
        parts.append(f"{_INDENT}{paint(escaped(diagnostic.hint), 'hint')}")
    return "\n".join(parts)


def _excerpt(diagnostic: Diagnostic, lines: Lines, paint: Paint, width: int) -> list[str]:
    """The line, or the part of a long one that matters, and a caret under the place."""
    where = diagnostic.where
    line = lines.line(where.line)
    if not line.strip() or where.column > len(line) + 1:
        return []
    first = max(0, where.column - 1 - width // 2) if len(line) > width else 0
    last = where.end_column - 1 if where.end_line == where.line else len(line)
    before = _visible(line[first : where.column - 1])
    marked = _visible(line[where.column - 1 : max(last, where.column)])
    after = _visible(line[max(last, where.column) : first + width])
    room = max(1, width - _columns(before))
    caret = " " * _columns(before) + "^" * max(1, min(_columns(marked), room))
    return [f"{_INDENT}{_cut(before + marked + after, width)}", f"{_INDENT}{paint(caret, 'caret')}"]


def _visible(text: str) -> str:
    return escaped(text.replace("\t", " "))


def _columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
