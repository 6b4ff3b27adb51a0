"""Printing: data to stdout, everything else to stderr, foreign text without its control characters."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from shutil import get_terminal_size
from typing import Literal, TextIO

import click

from nano_flow.cli.common import Options, options_of
from nano_flow.views.table import WHOLE, Column
from nano_flow.views.table import table as fitted

Style = Literal["good", "bad", "warn", "dim", "strong", "plain"]
_STYLES: Mapping[str, Mapping[str, object]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "warn": {"fg": "yellow"},
    "dim": {"dim": True},
    "strong": {"bold": True},
    "plain": {},
}
_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_BIDI = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}
_ESCAPES = _VISIBLE | _BIDI
_ENDLESS = 10_000
"""Columns of a pipe."""


def clean(text: object) -> str:
    """Foreign text (a model's, a tool's, a file's) made safe for a terminal: escapes and bidi marks are spelt out."""
    return str(text).translate(_ESCAPES)


def one_line(text: object, width: int = 0) -> str:
    """``clean`` text on one line, cut to ``width`` with an ellipsis where it is longer (0: never)."""
    line = " ".join(clean(text).split())
    return f"{line[: width - 1]}…" if width and len(line) > width else line


def style(text: str, look: Style, *, stream: Literal["stdout", "stderr"] = "stdout") -> str:
    """Colour ``text`` for ``stream`` where colours are wanted there; ``text`` must be clean."""
    return click.style(text, **_STYLES[look]) if _wants_color(_options(), stream) else text  # type: ignore[arg-type]


def data(text: str) -> None:
    """What was asked for, to stdout."""
    _write(sys.stdout, text)


def document(schema: str, fields: Mapping[str, object]) -> None:
    """One JSON document to stdout, its ``schema`` first: ``document("nano-flow/run@1", {...})``."""
    whole(json.dumps({"schema": schema, **fields}, ensure_ascii=False, indent=2, allow_nan=False))


def event_line(fields: Mapping[str, object]) -> None:
    """One JSON object on one line, at once, for ``--json=events``."""
    whole(json.dumps(fields, ensure_ascii=False, allow_nan=False))
    sys.stdout.flush()


def turn_away() -> None:
    """Send standard output nowhere: it cannot be written, and Python is not to complain of that again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def whole(text: str) -> None:
    """A document in a format of its own (JSON, SVG, CSV) to stdout: UTF-8, whatever encoding the terminal has."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a stand-in that takes text
        _write(sys.stdout, text)
        return
    sys.stdout.flush()
    binary.write(f"{text}\n".encode("utf-8", "backslashreplace"))


def note(text: str, *, level: int = 0) -> None:
    """Tell the person something, on stderr: ``level`` 0 unless ``-q``, 1 only with ``-v``, -1 always."""
    if _options().verbosity >= level:
        _write(sys.stderr, text)


def warn(text: str) -> None:
    """A warning on stderr, also under ``-q``."""
    _write(sys.stderr, f"{style('warning:', 'warn', stream='stderr')} {text}")


def fail(text: str) -> None:
    """Say on stderr why it failed; the exit code is the caller's."""
    _write(sys.stderr, f"{style('error:', 'bad', stream='stderr')} {text}")


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    drop: Sequence[str] | None = None,
) -> str:
    """Columns under ``header``, cells cleaned, the columns named in ``right`` aligned to the right and never cut.

    Where the terminal is narrow the columns of ``drop`` go, the first of them first; by default from the right, all
    but the first. A pipe gets everything.
    """
    gone = list(reversed(header[1:])) if drop is None else list(drop)
    heads = [
        Column(
            name,
            len(gone) - gone.index(name) if name in gone else 0,
            name in right,
            WHOLE if name in right else 8,
            WHOLE,
        )
        for name in header
    ]
    lines = fitted(heads, [[one_line(cell) for cell in row] for row in rows], width(_ENDLESS))
    return "\n".join([style(lines[0], "dim"), *lines[1:]])


def width(piped: int) -> int:
    """Columns of the terminal; ``piped`` where stdout is none, unless ``COLUMNS`` asks for less than the usual 80.

    Runners of jobs and tests export their 80 to all that they start: nothing is cut for that.
    """
    if sys.stdout.isatty():
        return get_terminal_size((80, 24)).columns
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and 0 < int(said) < 80 else piped


def wrapped(text: str) -> list[str]:
    """``text``, indented as it is, in lines that fit the terminal."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text, max(10, width(_ENDLESS)), subsequent_indent=f"{indent}  ") or [""]


def _options() -> Options:
    context = click.get_current_context(silent=True)
    return options_of(context) if context else Options()


def _wants_color(options: Options, stream: Literal["stdout", "stderr"]) -> bool:
    if options.color != "auto":
        return options.color == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(sys, stream).isatty())


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
