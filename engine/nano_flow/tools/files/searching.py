"""Searching the workspace: lines that hold a text, files by their paths; bounded in files, bytes and time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json
from nano_flow.tools.files.protected import shown
from nano_flow.tools.files.reading import READ_CAP, text_of
from nano_flow.tools.files.workspace import Workspace

_FILES = 20_000
_FOLDERS = 20_000
_IN_FOLDER = 20_000
_BYTES = 256 * 1_048_576
_SECONDS = 20.0
_MATCHES = 200
_AROUND = 300
"""Characters of a line that are shown."""
_GLOB = 200
_SKIPPED = frozenset({".git", ".nano-flow", "node_modules", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache"})


@dataclass(slots=True)
class Bounds:
    """What one search may still cost; ``stopped`` is set by whoever no longer wants its result."""

    until: float
    stopped: threading.Event
    files: int = _FILES
    folders: int = _FOLDERS
    bytes: int = _BYTES
    reached: str = ""

    def ok(self) -> bool:
        """Whether to go on; ``reached`` says which bound was met else."""
        limits = (
            (self.files < 0, f"{_FILES:,} files"),
            (self.folders < 0, f"{_FOLDERS:,} folders"),
            (self.bytes < 0, f"{_BYTES:,} bytes"),
            (time.monotonic() > self.until, f"{_SECONDS:g} seconds"),
            (self.stopped.is_set(), "nothing: it was stopped"),
        )
        self.reached = self.reached or next((what for met, what in limits if met), "")
        return not self.reached


def search_files(workspace: Workspace, arguments: Mapping[str, Json], stopped: threading.Event | None = None) -> Json:
    """Lines that hold a text, as ``path:line: text``; without a text, the paths of the files."""
    text, glob = arguments.get("text"), str(arguments.get("glob") or "*")
    if isinstance(text, str) and (not text or "\n" in text):
        raise StepError("tool", '"text" must be one line with something in it')
    if len(glob) > _GLOB:
        raise StepError("tool", f'"glob" is longer than {_GLOB} characters')
    bounds = Bounds(time.monotonic() + _SECONDS, stopped or threading.Event())
    found: list[Json] = []
    for path in _files(workspace, str(arguments.get("path") or "."), bounds):
        if not _fits(path, glob):
            continue
        bounds.files -= 1
        if not bounds.ok():
            break
        found.extend([shown(path)] if text is None else _matches(workspace, path, str(text), bounds))
        if len(found) > _MATCHES:
            raise OutputLimit(f"more than {_MATCHES} matches; say more, or give a path or a glob", found[:_MATCHES])
    if bounds.reached:
        raise OutputLimit(f"the search ended after {bounds.reached}; give a path or a glob", found)
    return found


def _fits(path: str, glob: str) -> bool:
    """``*.py`` fits a name anywhere, ``src/*.py`` a path, ``**/`` any folders or none."""
    shorter = glob.removeprefix("**/").replace("/**/", "/")
    return any(fnmatchcase(candidate, g) for candidate in (path, os.path.basename(path)) for g in (glob, shorter))


def _matches(workspace: Workspace, path: str, wanted: str, bounds: Bounds) -> list[Json]:
    try:
        data = workspace.read(path, READ_CAP)
        text = text_of(path, data)
    except StepError:
        return []  # a binary, special or vanished file holds no lines
    bounds.bytes -= len(data)
    needle = wanted.casefold()
    if needle not in text.casefold():
        return []
    lines = (
        f"{shown(path)}:{number}: {_around(line, needle)}"
        for number, line in enumerate(text.split("\n"), 1)
        if needle in line.casefold()
    )
    return list(islice(lines, _MATCHES + 1))


def _around(line: str, needle: str) -> str:
    line = line.strip()
    start = max(0, line.casefold().find(needle) - _AROUND // 2)
    if len(line) <= _AROUND:
        start = 0
    cut = line[start : start + _AROUND]
    return ("…" if start else "") + cut + ("…" if start + _AROUND < len(line) else "")


def _files(workspace: Workspace, start: str, bounds: Bounds) -> Iterator[str]:
    """The files below ``start``, in order; links are not followed."""
    first = os.path.normpath(start)
    try:
        pending = [first] if workspace.entries(first, 1) else []
    except StepError:
        workspace.read(first, 0)  # raises where it is no file either
        yield first
        return
    while pending and bounds.ok():
        folder = pending.pop()
        bounds.folders -= 1
        try:
            entries, _ = workspace.entries(folder, _IN_FOLDER)
        except StepError:
            continue  # a folder that vanished, or that may not be read
        paths = [(os.path.normpath(os.path.join(folder, entry.name)), entry) for entry in entries]
        yield from (path for path, entry in paths if entry.kind == "file")
        inner = [path for path, entry in paths if entry.kind == "folder" and entry.name not in _SKIPPED]
        pending.extend(reversed(inner))
