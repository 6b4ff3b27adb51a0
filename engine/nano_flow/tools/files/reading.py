"""Looking at the workspace: the text of a file, the entries of a folder, what a path is."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json
from nano_flow.core.text import rfc3339
from nano_flow.tools.files.protected import shown
from nano_flow.tools.files.workspace import Entry, Workspace, refused

READ_CAP = 1_048_576
"""Bytes of a file that one call returns."""

_SCANNED = 64 * 1_048_576
"""Bytes that are passed over to reach a line."""
_HEAD = 8_192
"""Bytes that tell whether a file is text."""
_ENTRIES = 2_000
_KINDS = ((stat.S_ISDIR, "folder"), (stat.S_ISREG, "file"))
_MARKS = {"folder": "/", "link": "@", "other": "?"}


def read_file(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """The text of a file, or some of its lines."""
    path = str(arguments["path"])
    first, count = arguments.get("first_line"), arguments.get("lines")
    with workspace.opened(path) as file:
        if first is None and count is None:
            return _whole(path, file)
        return _lines(path, file, first if isinstance(first, int) else 1, count if isinstance(count, int) else None)


def list_directory(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """The entries of a folder: folders end in ``/``, links in ``@``, what is no file in ``?``."""
    entries, more = workspace.entries(str(arguments.get("path") or "."), _ENTRIES)
    names: list[Json] = [named(entry) for entry in entries]
    if more:
        raise OutputLimit(f"the folder has more than {_ENTRIES:,} entries; list those below it one by one", names)
    return names


def get_file_info(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Kind, size and times of a path."""
    path = str(arguments["path"])
    status = workspace.status(path)
    kind = next((name for test, name in _KINDS if test(status.st_mode)), "other")
    return {"path": path, "kind": kind, "size": status.st_size, "modified_at": rfc3339(status.st_mtime)}


def named(entry: Entry) -> str:
    """An entry as it is listed."""
    return shown(entry.name) + _MARKS.get(entry.kind, "")


def text_of(path: str, data: bytes) -> str:
    """``data`` as text. Raises StepError where it is none."""
    if b"\0" in data[:_HEAD]:
        raise refused(path, "is a binary file")
    return data.decode("utf-8", errors="replace")


def _whole(path: str, file: BinaryIO) -> str:
    data = file.read(READ_CAP + 1)
    text = text_of(path, data[:READ_CAP])
    if len(data) <= READ_CAP:
        return text
    raise OutputLimit(
        f'"{shown(path)}" is larger than {READ_CAP:,} bytes; "first_line" and "lines" read a part of it', text
    )


def _lines(path: str, file: BinaryIO, first: int, count: int | None) -> str:
    kept: list[bytes] = []
    size = number = 0
    for number, line in enumerate(_scanned(path, file), 1):
        if number == 1:
            text_of(path, line)
        if count is not None and number >= first + count:
            break
        if number >= first:
            size += len(line)
            if size > READ_CAP:
                so_far = text_of(path, b"".join(kept))
                raise OutputLimit(f"more than {READ_CAP:,} bytes: they end before line {number}", so_far)
            kept.append(line)
    if number < first:
        raise StepError("tool", f'"{shown(path)}" has {number} lines, none from {first} on')
    return text_of(path, b"".join(kept))


def _scanned(path: str, file: BinaryIO) -> Iterator[bytes]:
    scanned = 0
    while line := file.readline(READ_CAP):
        scanned += len(line)
        if scanned > _SCANNED:
            raise StepError(
                "tool", f'"{shown(path)}" is too large to look for a line beyond its first {_SCANNED:,} bytes'
            )
        yield line
