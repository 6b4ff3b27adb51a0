"""Diagnostics on the terminal: their files read again for the source lines, in the colours that are wanted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Literal

from nano_flow.cli import output
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.operations.project.checking import SHOWN_AT_MOST, diagnostics_text, text_of

_LOOKS: dict[str, output.Style] = {"error": "bad", "warning": "warn", "hint": "dim", "caret": "bad"}


def findings_text(
    found: Sequence[Diagnostic], *, at_most: int = SHOWN_AT_MOST, stream: Literal["stdout", "stderr"] = "stdout"
) -> str:
    """``found`` as text for ``stream``, each with its source line, a caret and the hint."""

    def paint(text: str, role: str) -> str:
        return output.style(text, _LOOKS.get(role, "plain"), stream=stream)

    return diagnostics_text(found, text_of, paint=paint, width=_width(stream), at_most=at_most)


def _width(stream: Literal["stdout", "stderr"]) -> int:
    if not getattr(sys, stream).isatty():
        return 120
    return get_terminal_size((100, 24)).columns
