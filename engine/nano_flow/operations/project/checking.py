"""Documents are checked, and what is wrong is said where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.rendering.machine import diagnostics_json, diagnostics_sarif, github_annotations
from nano_flow.documents.rendering.text import SHOWN_AT_MOST, diagnostics_text
from nano_flow.operations.place import Place
from nano_flow.project.checking import check_file
from nano_flow.project.files import read_document, shown_path
from nano_flow.project.finding import find_documents

__all__ = [
    "SHOWN_AT_MOST",
    "Checked",
    "check_documents",
    "check_file",
    "diagnostics_json",
    "diagnostics_sarif",
    "diagnostics_text",
    "find_documents",
    "github_annotations",
    "shown_path",
    "text_of",
]


@dataclass(frozen=True, slots=True)
class Checked:
    """The documents that were looked at, and what was found, each finding once."""

    documents: tuple[Path, ...]
    findings: tuple[Diagnostic, ...]


def check_documents(place: Place, roots: Iterable[Path]) -> Checked:
    """Check every document at and below ``roots``. Starts nothing and sends nothing."""
    documents = find_documents(roots)
    found = [diagnostic for path in documents for diagnostic in check_file(path, place.config_dir)]
    return Checked(tuple(documents), tuple(dict.fromkeys(found)))


def text_of(file: str) -> str | None:
    """The text of a document, so that its lines can be shown; None where it cannot be read as one."""
    try:
        return read_document(file).decode("utf-8").removeprefix("\ufeff")
    except (DocumentError, UnicodeDecodeError):
        return None
