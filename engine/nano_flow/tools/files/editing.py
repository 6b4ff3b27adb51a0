"""Changing the workspace: write a whole file, replace a stretch of one."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.tools.files.protected import shown
from nano_flow.tools.files.reading import READ_CAP
from nano_flow.tools.files.workspace import Workspace, refused

_SIMILAR = 0.6
_COMPARED = 2_000
"""Lines among which a similar one is looked for."""


def write_file(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Write a whole file."""
    path, content = str(arguments["path"]), str(arguments["content"])
    data = content.encode("utf-8", errors="replace")
    workspace.write(path, data)
    return f"wrote {len(data)} bytes to {shown(path)}"


def edit_file(workspace: Workspace, arguments: Mapping[str, Json]) -> Json:
    """Replace one stretch of text that stands in the file exactly once, or every one of them."""
    path, old, new = str(arguments["path"]), str(arguments["old"]), str(arguments["new"])
    every = arguments.get("all") is True
    if not old:
        raise StepError("tool", '"old" is empty; write_file writes a whole file')
    workspace.relative(path, write=True)
    with workspace.changing:
        text = _text(workspace, path)
        if "\r\n" in text and "\n" in old and old not in text:
            old, new = _with_carriage_returns(old), _with_carriage_returns(new)
        found = text.count(old)
        if found == 0:
            raise StepError("tool", f'"old" does not stand in "{shown(path)}"{_hint(text, old)}')
        if found > 1 and not every:
            raise StepError(
                "tool",
                f'"old" stands in "{shown(path)}" {found} times; add lines around it until it is the only one, '
                'or say "all": true',
            )
        workspace.write(path, _bytes(text.replace(old, new)))
    return f"edited {shown(path)}" + (f" in {found} places" if found > 1 else "")


def _text(workspace: Workspace, path: str) -> str:
    """All of a file; bytes that are no UTF-8 survive the edit."""
    data = workspace.read(path, READ_CAP + 1)
    if len(data) > READ_CAP:
        raise refused(path, f"is larger than {READ_CAP:,} bytes")
    if b"\0" in data:
        raise refused(path, "is a binary file")
    return data.decode("utf-8", errors="surrogateescape")


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        raise StepError("tool", '"new" holds half of a character (a lone surrogate)') from None


def _with_carriage_returns(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _hint(text: str, old: str) -> str:
    """What stands there instead, for a model that remembers a file almost right."""
    wanted = next((line.strip() for line in old.splitlines() if line.strip()), "")
    best, where = _SIMILAR, ""
    for number, line in enumerate(text.splitlines()[:_COMPARED], 1):
        candidate = line.strip()
        if candidate == wanted:
            return (
                f"; line {number} is similar, but blanks or the lines after it differ: read_file shows the exact text"
            )
        matcher = SequenceMatcher(None, wanted[:200], candidate[:200], autojunk=False)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, where = ratio, f'; the nearest is line {number}: "{shown(candidate[:200])}"'
    return where
