"""File tools of agents: read, write, edit, list, describe and search, all inside the workspace."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.tools.files.editing import edit_file, write_file
from nano_flow.tools.files.reading import get_file_info, list_directory, read_file
from nano_flow.tools.files.searching import search_files
from nano_flow.tools.files.workspace import Workspace

Work = Callable[[Workspace, Mapping[str, Json]], Json]


@dataclass(frozen=True, slots=True)
class FileTool:
    """One operation on the workspace; it runs in a thread, so that a slow disk holds nobody up."""

    spec: ToolSpec
    work: Work
    workspace: Workspace
    changes: bool = False

    @property
    def repeatable(self) -> bool:
        """Reading twice does no harm."""
        return not self.changes

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """The file that a call changes, whatever the path is spelt like."""
        path = arguments.get("path")
        if not self.changes or not isinstance(path, str):
            return None
        try:
            return f"file:{self.workspace.relative(path)}".casefold()
        except StepError:
            return None  # the call itself will say why

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Do it. Raises StepError."""
        if self.work is not search_files:
            return await asyncio.to_thread(self.work, self.workspace, arguments)
        stopped = threading.Event()
        try:
            return await asyncio.to_thread(partial(search_files, self.workspace, arguments, stopped))
        finally:
            stopped.set()  # a thread cannot be cancelled: it is told


def _object(required: list[str], **properties: Json) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _described(kind: str, description: str, **more: Json) -> dict[str, Json]:
    return {"type": kind, "description": description, **more}


_PATH = _described("string", "A path in the workspace")
_FIRST = _described("integer", "The first line to read, from 1", minimum=1)
_COUNT = _described("integer", "How many lines", minimum=1)
_OLD = _described("string", "The exact text that is replaced; it must stand in the file exactly once")
_NEW = _described("string", "What is put in its place")
_ALL = _described("boolean", "Replace every occurrence")
_WANTED = _described("string", "One line, or a part of one; without it the files are listed")
_GLOB = _described("string", "Which files: *.py by name, src/**/*.py by path")
_START = _described("string", "The folder to begin in")
_CONTENT = _described("string", "The whole text of the file")

FILE_TOOLS: Mapping[str, tuple[ToolSpec, Work, bool]] = {
    name: (ToolSpec(name, description, parameters), work, changes)
    for name, description, parameters, work, changes in (
        (
            "read_file",
            "Read a text file, or some of its lines",
            _object(["path"], path=_PATH, first_line=_FIRST, lines=_COUNT),
            read_file,
            False,
        ),
        (
            "write_file",
            "Write a whole text file; folders on the way to it are made",
            _object(["path", "content"], path=_PATH, content=_CONTENT),
            write_file,
            True,
        ),
        (
            "edit_file",
            "Replace one stretch of text that stands in a file exactly once",
            _object(["path", "old", "new"], path=_PATH, old=_OLD, new=_NEW, all=_ALL),
            edit_file,
            True,
        ),
        (
            "list_directory",
            "List a folder; folders end in /, links in @",
            _object([], path=_PATH),
            list_directory,
            False,
        ),
        ("get_file_info", "Kind, size and time of a path", _object(["path"], path=_PATH), get_file_info, False),
        (
            "search_files",
            "Find lines that hold a text, without regard to case, or files by their names",
            _object([], text=_WANTED, path=_START, glob=_GLOB),
            search_files,
            False,
        ),
    )
}
"""Name → what models see, the function, whether it changes something."""


def file_tool(name: str, workspace: Workspace) -> FileTool:
    """The file tool ``name`` on ``workspace``."""
    spec, work, changes = FILE_TOOLS[name]
    return FileTool(spec, work, workspace, changes)
