"""File tools of agents: read, write, edit, list, describe and search, all inside the workspace."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import rfc3339
from nano_flow.tools.workspace import Workspace

_READ_CAP = 1_048_576
_SEARCHED = 20_000
"""Files that one search looks into."""
_MATCHES = 200
_LINE = 300


@dataclass(frozen=True, slots=True)
class FileTool:
    """One operation on the workspace; it runs in a thread, so that a slow disk holds nobody up."""

    spec: ToolSpec
    work: Callable[[Workspace, Mapping[str, Json]], Json]
    workspace: Workspace
    changes: bool = False

    @property
    def repeatable(self) -> bool:
        """Reading twice does no harm."""
        return not self.changes

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """The file that a call changes."""
        path = arguments.get("path")
        return os.path.normpath(path).casefold() if self.changes and isinstance(path, str) else None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Do it. Raises StepError."""
        return await asyncio.to_thread(self.work, self.workspace, arguments)


def _text(path: str, data: bytes) -> str:
    if b"\0" in data[:8_192]:
        raise StepError("tool", f'"{path}" is a binary file ({len(data)} bytes)')
    return data.decode("utf-8", errors="replace")


def read_file(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """The text of a file, or some of its lines."""
    path = str(arguments["path"])
    text = _text(path, workspace.read(path, _READ_CAP))
    first, count = arguments.get("first_line"), arguments.get("lines")
    if first is None and count is None:
        return text
    begin = max(0, (first if isinstance(first, int) else 1) - 1)
    lines = text.splitlines(keepends=True)
    return "".join(lines[begin : begin + count] if isinstance(count, int) else lines[begin:])


def write_file(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Write a whole file."""
    path, content = str(arguments["path"]), str(arguments["content"])
    data = content.encode("utf-8", errors="replace")
    workspace.write(path, data)
    return f"wrote {len(data)} bytes to {path}"


def edit_file(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Replace one stretch of text that stands in the file exactly once."""
    path, old, new = str(arguments["path"]), str(arguments["old"]), str(arguments["new"])
    workspace.relative(path, write=True)
    data = workspace.read(path, _READ_CAP + 1)
    if len(data) > _READ_CAP:
        raise StepError("tool", f'"{path}" is larger than {_READ_CAP} bytes')
    text = data.decode("utf-8", errors="surrogateescape")
    found = text.count(old) if old else 0
    if found != 1:
        raise StepError("tool", f'"old" stands in "{path}" {found} times; it must stand there exactly once')
    workspace.write(path, text.replace(old, new).encode("utf-8", errors="surrogateescape"))
    return f"edited {path}"


def list_directory(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """The entries of a folder; folders end in a slash."""
    entries = workspace.entries(str(arguments.get("path") or "."))
    return [f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries]


def get_file_info(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Kind, size and times of a path."""
    path = str(arguments["path"])
    status = workspace.status(path)
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISREG, "file"))
    kind = next((name for test, name in kinds if test(status.st_mode)), "other")
    return {"path": path, "kind": kind, "size": status.st_size, "modified_at": rfc3339(status.st_mtime)}


def search_files(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Lines that hold a text, as ``path:line: text``; files by a glob of their path."""
    wanted, glob = str(arguments["text"]), str(arguments.get("glob") or "*")
    found: list[Json] = []
    for looked, path in enumerate(_files(workspace, str(arguments.get("path") or "."))):
        if looked >= _SEARCHED or len(found) >= _MATCHES:
            found.append("[cut: more files or matches]")
            break
        if fnmatch.fnmatch(path, glob) or fnmatch.fnmatch(os.path.basename(path), glob):
            found.extend(_matches(workspace, path, wanted)[: _MATCHES - len(found)])
    return found


def _matches(workspace: Workspace, path: str, wanted: str) -> list[Json]:
    try:
        text = _text(path, workspace.read(path, _READ_CAP))
    except StepError:
        return []  # a binary, special or vanished file holds no lines
    needle = wanted.casefold()
    return [
        f"{path}:{number}: {line.strip()[:_LINE]}"
        for number, line in enumerate(text.splitlines(), 1)
        if needle in line.casefold()
    ]


def _files(workspace: Workspace, start: str) -> Iterator[str]:
    pending = [os.path.normpath(start)]
    while pending:
        folder = pending.pop()
        inner = []
        for entry in workspace.entries(folder):
            path = os.path.normpath(os.path.join(folder, entry.name))
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in (".git", ".nano-flow", "node_modules", ".venv"):
                    inner.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
        pending.extend(reversed(inner))


_PATH: dict[str, Json] = {"type": "string", "description": "A path in the workspace"}


def _object(required: list[str], **properties: Json) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_TEXT: dict[str, Json] = {"type": "string"}
_COUNT: dict[str, Json] = {"type": "integer", "minimum": 1}

FILE_TOOLS: Mapping[str, tuple[ToolSpec, Callable[[Workspace, Mapping[str, Json]], Json], bool]] = {
    spec.name: (spec, work, changes)
    for spec, work, changes in (
        (
            ToolSpec(
                "read_file",
                "Read a text file, or some of its lines",
                _object(["path"], path=_PATH, first_line=_COUNT, lines=_COUNT),
            ),
            read_file,
            False,
        ),
        (
            ToolSpec("write_file", "Write a whole text file", _object(["path", "content"], path=_PATH, content=_TEXT)),
            write_file,
            True,
        ),
        (
            ToolSpec(
                "edit_file",
                "Replace one stretch of text that stands in a file exactly once",
                _object(["path", "old", "new"], path=_PATH, old=_TEXT, new=_TEXT),
            ),
            edit_file,
            True,
        ),
        (ToolSpec("list_directory", "List a folder", _object([], path=_PATH)), list_directory, False),
        (
            ToolSpec("get_file_info", "Kind, size and time of a path", _object(["path"], path=_PATH)),
            get_file_info,
            False,
        ),
        (
            ToolSpec(
                "search_files",
                "Find lines that hold a text, without regard to case",
                _object(["text"], text=_TEXT, path=_PATH, glob=_TEXT),
            ),
            search_files,
            False,
        ),
    )
}


def file_tool(name: str, workspace: Workspace) -> FileTool:
    """The file tool ``name`` on ``workspace``."""
    spec, work, changes = FILE_TOOLS[name]
    return FileTool(spec, work, workspace, changes)
