"""Finds the documents below a path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nano_flow.core.errors import DocumentError
from nano_flow.documents.gate.kinds import is_known_name
from nano_flow.project.files import read_document

_SUFFIXES = (".yaml", ".yml")
LEFT_OUT_MARK = ".nano-flow-ignore"
"""A folder that holds a file of this name is left out of a walk that began above it."""

_LEFT_OUT = frozenset({"node_modules", "venv", "__pycache__", "site-packages"})
_OURS = re.compile(rb"""^["']?nano_flow["']?[ \t]*:""", re.MULTILINE)


def find_documents(paths: Iterable[Path]) -> list[Path]:
    """The documents to check: files as they are named, and below folders what is recognised as ours."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(_below(path)))
        else:
            found[path] = None
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        if LEFT_OUT_MARK in names and Path(parent) != folder:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(parent, name)
            if name.endswith(_SUFFIXES) and (is_known_name(name) or _says_so(path)):
                yield path


def _says_so(path: Path) -> bool:
    """True where a file names the language; a file that cannot be read is not ours to complain about."""
    try:
        return _OURS.search(read_document(str(path))) is not None
    except DocumentError:
        return False
