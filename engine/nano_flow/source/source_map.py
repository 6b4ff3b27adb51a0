"""Where each key and value of a document stands in its text: offsets kept compactly, ranges made on request."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.source.alignment import offset_in_source

Path = tuple[str | int, ...]
_LINE_BREAK = re.compile(r"\r\n?|\n")
_Children = dict[str | int, tuple[int, int]]


class Lines:
    """Offsets of a text to lines and columns, both from 1; LF, CRLF and CR end a line, as in editors."""

    __slots__ = ("_starts", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts: list[int] = []

    @property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        if not self._starts:
            self._starts = [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]
        return self._starts

    def range(self, start: int, end: int) -> SourceRange:
        """The range between two offsets."""
        starts = self.starts
        line = bisect_right(starts, start)
        end_line = line if end <= start else bisect_right(starts, end, lo=line - 1)
        column = start - starts[line - 1] + 1
        end_column = column if end <= start else end - starts[end_line - 1] + 1
        return SourceRange(self.file, line, column, end_line, end_column)

    def line(self, number: int) -> str:
        """The text of line ``number`` without its line break; empty beyond the end."""
        starts = self.starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")


@dataclass(slots=True)
class SourceMap:
    """The nodes of a document in the order of its text, keys and values alike.

    Node ``n`` stands at ``starts[n]`` to ``ends[n]``; its subtree ends before node ``after[n]``. An alias is a node
    without a subtree; ``aliases`` leads to the node that it repeats.
    """

    starts: array[int] = field(default_factory=lambda: array("I"))
    ends: array[int] = field(default_factory=lambda: array("I"))
    after: array[int] = field(default_factory=lambda: array("I"))
    aliases: dict[int, int] = field(default_factory=dict)
    _children: dict[int, _Children] = field(default_factory=dict, repr=False)

    def children(self, node: int, data: Mapping[str, Any] | list[Any]) -> _Children:
        """Key or index → (node of the key, node of the value) of a mapping or list."""
        known = self._children.get(node)
        if known is not None:
            return known
        found: _Children = {}
        after = self.after
        child = node + 1
        if isinstance(data, list):
            for index in range(len(data)):
                found[index] = (child, child)
                child = after[child]
        else:
            for key in data:
                value = after[child]
                found[key] = (child, value)
                child = after[value]
        self._children[node] = found
        return found


def _member(data: Any, part: str | int) -> Any:
    return data[part]


@dataclass(slots=True)
class SourceDocument:
    """A YAML text as plain data, and where each part of it stands."""

    data: Any
    positions: SourceMap
    lines: Lines
    warnings: list[Diagnostic] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The name that diagnostics show."""
        return self.lines.file

    @property
    def text(self) -> str:
        """The whole text, without a byte order mark."""
        return self.lines.text

    def value_range(self, path: Path) -> SourceRange:
        """Where the value at ``path`` stands; where there is none, the nearest mapping or list above it."""
        return self._range(self.nodes(path)[1])

    def key_range(self, path: Path) -> SourceRange:
        """Where the key that ends ``path`` stands; for an item of a list, the item."""
        return self._range(self.nodes(path)[0])

    def start_range(self, path: Path) -> SourceRange:
        """One character at the start of the value at ``path``: for what is missing in a mapping."""
        start = self.positions.starts[self.nodes(path)[1]]
        return self.lines.range(start, min(start + 1, len(self.text)))

    def locator(self, path: Path) -> Callable[[int, int], SourceRange]:
        """A function of (line, column), both from 0, inside the text at ``path`` → where that stands in the file."""
        return partial(self.text_range, path)

    def text_range(self, path: Path, line: int, column: int) -> SourceRange:
        """Where (line, column), both from 0, of the text at ``path`` stands in the file."""
        node = self.nodes(path)[1]
        node = self.positions.aliases.get(node, node)
        text = self.value(path)
        start, end = self.positions.starts[node], self.positions.ends[node]
        if not isinstance(text, str):
            return self._range(node)
        offset = offset_in_source(self.text[start:end], text, line, column)
        return self.lines.range(start + offset, min(start + offset + 1, len(self.text)))

    def value(self, path: Path) -> Any:
        """The data at ``path``, or of the nearest part above it that exists."""
        data = self.data
        for part in path:
            if isinstance(data, list) and not (isinstance(part, int) and part < len(data)):
                break
            if not isinstance(data, dict | list) or (isinstance(data, dict) and part not in data):
                break
            data = _member(data, part)
        return data

    def nodes(self, path: Path) -> tuple[int, int]:
        """The nodes of the key and of the value at ``path``, or of the nearest part above it that exists."""
        data = self.data
        key = node = 0
        for part in path:
            if not isinstance(data, dict | list):
                break
            node = self.positions.aliases.get(node, node)
            found = self.positions.children(node, data).get(part)
            if found is None:
                break
            key, node = found
            data = _member(data, part)
        return key, node

    def _range(self, node: int) -> SourceRange:
        return self.lines.range(self.positions.starts[node], self.positions.ends[node])
