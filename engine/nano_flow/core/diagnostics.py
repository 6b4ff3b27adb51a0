"""Where something stands in a text, and what is to be said about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class SourceRange:
    """A stretch of a text file; lines and columns count from 1, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong, or suspicious, in a document.

    ``code`` is stable (``NF…``) and has a page in ``docs/errors.md``; ``address`` is the path inside the
    document (``steps.review.prompt``); ``hint`` says what to type instead.
    """

    severity: Severity
    code: str
    message: str
    where: SourceRange
    address: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}  {self.severity} {self.code}  {self.message}"


def has_errors(diagnostics: list[Diagnostic] | tuple[Diagnostic, ...]) -> bool:
    """True where at least one of ``diagnostics`` is an error."""
    return any(d.severity == "error" for d in diagnostics)
