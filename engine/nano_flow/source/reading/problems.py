"""Collects what is wrong with a text, up to a bound: ten thousand slips are told in a page."""

from __future__ import annotations

from nano_flow.core.diagnostics import Diagnostic, Severity, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.source.source_map import Lines

MAX_DIAGNOSTICS = 200


class Problems:
    """Errors and warnings of one text, in the order in which they were found."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.found: list[Diagnostic] = []
        self.errors = 0

    def add(
        self, code: str, message: str, start: int, end: int, *, hint: str = "", severity: Severity = "error"
    ) -> None:
        """Note one thing at the offsets ``start`` to ``end``."""
        if severity == "error":
            self.errors += 1
        if len(self.found) < MAX_DIAGNOSTICS or (severity == "error" and self.errors == 1):
            self.found.append(Diagnostic(severity, code, message, self.lines.range(start, end), hint=hint))

    def raise_errors(self) -> None:
        """Raise DocumentError where there was an error."""
        if self.errors:
            shown = sum(1 for diagnostic in self.found if diagnostic.severity == "error")
            raise DocumentError(bounded(self.found, self.errors - shown))


def bounded(found: list[Diagnostic], left_out: int | None) -> list[Diagnostic]:
    """``found``, in the order of the text, with a last line that counts what was left out (None: nobody counted)."""
    ordered = sorted(found, key=lambda d: (d.where.line, d.where.column))
    if left_out != 0:
        last = ordered[-1].where
        message = "and more errors" if left_out is None else f"and {left_out:,} more errors"
        where = SourceRange(last.file, last.line, last.column, last.line, last.column)
        ordered.append(Diagnostic("error", "NF199", message, where))
    return ordered
