"""Parser events to plain data and positions, within bounds, without recursion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from nano_flow.source.reading.anchors import Anchored, Anchors
from nano_flow.source.reading.problems import Problems
from nano_flow.source.reading.text_checks import escaped, invisible
from nano_flow.source.scalars import plain_scalar
from nano_flow.source.source_map import SourceMap

MAX_DEPTH = 64
MAX_NODES = 250_000
MAX_ENTRIES = 50_000
"""Of one mapping or list."""
MAX_TEXT = 1024 * 1024
_FIRST_LINES_TOLD = 20


class _Frame:
    """One open mapping or list. ``key``: whose value comes next; None where a key comes next.

    ``ignored``: the next value has no place, because its key was refused. ``below``: the height of what it holds.
    """

    __slots__ = ("anchored", "below", "ignored", "is_key", "items", "key", "mapping", "node", "repeated")

    def __init__(self, node: int, mapping: dict[str, Any] | None, items: list[Any] | None, repeated: int) -> None:
        self.node = node
        self.mapping = mapping
        self.items = items
        self.repeated = repeated
        self.key: str | None = None
        self.ignored = False
        self.is_key = False
        self.anchored: Anchored | None = None
        self.below = 0

    def put(self, value: Any) -> None:
        """Give the next value its place."""
        if self.items is not None:
            self.items.append(value)
            return
        if self.ignored:
            self.ignored = False
        else:
            self.mapping[self.key] = value  # type: ignore[index]
        self.key = None


class Builder:
    """Takes events one by one; ``data`` is the document when the last was taken."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.positions = SourceMap()
        self._root: list[Any] = []
        self._frame = _Frame(-1, None, self._root, 0)
        self._open: list[_Frame] = []
        self._anchors = Anchors(problems, self.positions)
        self._documents = 0
        self._last_end = 0
        self.handlers: dict[type[Event], Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._start,
            SequenceStartEvent: self._start,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._document,
        }

    @property
    def data(self) -> Any:
        """The plain data; None where there is none."""
        return self._root[0] if self._root else None

    @property
    def empty(self) -> bool:
        """True where the text holds no value at all."""
        return not self._root

    def _scalar(self, event: Any) -> None:
        frame = self._frame
        node = self._node(event)
        text = event.value
        if event.tag is not None:
            self._tag(event)
        if frame.key is None and frame.items is None:
            self._key(event, text)
            return
        value: Any = text
        if event.implicit[0]:
            try:
                value = plain_scalar(text)
            except ValueError as error:
                self._error("NF114", str(error), event)
        if len(text) > MAX_TEXT:
            message = f"this text has {len(text):,} characters, at most {MAX_TEXT:,} are read"
            self._error("NF115", message, event, "put it into a file of its own")
        if event.anchor is not None:
            self._anchors.add(event, Anchored(value, node, closed=True))
        frame.put(value)

    def _key(self, event: Any, key: str) -> None:
        frame = self._frame
        frame.key = key
        if key in frame.mapping:  # type: ignore[operator]
            frame.ignored = True
            hint = self._first_line(key) if self.problems.errors < _FIRST_LINES_TOLD else ""
            self._error("NF110", f'the key "{escaped(key[:60])}" stands twice in this mapping', event, hint)
        elif key == "<<" and event.implicit[0]:
            frame.ignored = True
            self._error("NF112", 'merge keys ("<<") are not read', event, "write the keys out")
        elif not key.isprintable() or invisible(key):
            message = f'the key "{escaped(key[:60])}" holds a character that cannot be seen'
            self._error("NF116", message, event, "retype it")

    def _first_line(self, key: str) -> str:
        positions, text = self.positions, self.problems.lines.text
        node = self._frame.node + 1
        while node < len(positions.starts) - 1:
            start, end = positions.starts[node], positions.ends[node]
            if text[start:end].strip("'\"") == key:
                return f"the first is in line {self.problems.lines.range(start, end).line}"
            node = positions.after[positions.after[node]]
        return ""  # it was written with escapes

    def _start(self, event: Any) -> None:
        parent = self._frame
        node = self._node(event)
        if len(self._open) >= MAX_DEPTH:
            self._fatal("NF107", f"nested deeper than {MAX_DEPTH} levels", event)
        if event.tag is not None:
            self._tag(event)
        if isinstance(event, MappingStartEvent):
            frame = _Frame(node, {}, None, self._anchors.repeated)
        else:
            frame = _Frame(node, None, [], self._anchors.repeated)
        value = frame.mapping if frame.items is None else frame.items
        if parent.key is None and parent.items is None:
            frame.is_key = True
            self._complex_key(event)
        else:
            parent.put(value)
        if event.anchor is not None:
            frame.anchored = Anchored(value, node)
            self._anchors.add(event, frame.anchored)
        self._open.append(parent)
        self._frame = frame

    def _end(self, event: Any) -> None:
        frame = self._frame
        parent = self._frame = self._open.pop()
        positions = self.positions
        flow_end = event.end_mark.index
        last = len(positions.starts) - 1
        positions.after[frame.node] = last + 1
        # A block ends where the next thing begins; what a reader sees as its end is the end of its last value.
        is_flow = flow_end > event.start_mark.index
        positions.ends[frame.node] = flow_end if is_flow or last == frame.node else self._last_end
        self._last_end = positions.ends[frame.node]
        if len(frame.mapping or frame.items or ()) > MAX_ENTRIES:
            hint = "data belongs in a file that a step reads"
            self._fatal("NF119", f"more than {MAX_ENTRIES:,} entries", event, hint)
        parent.below = max(parent.below, frame.below + 1)
        if frame.anchored is not None:
            frame.anchored.height = frame.below + 1
            frame.anchored.repeated = self._anchors.repeated - frame.repeated
            frame.anchored.closed = True
        if frame.is_key:
            parent.key, parent.ignored = "", True

    def _alias(self, event: Any) -> None:
        frame = self._frame
        node = self._node(event)
        anchored = self._anchors.repeat(event, node)
        if frame.key is None and frame.items is None:
            self._error("NF113", "a key cannot be an alias", event, "write the key out")
            frame.key, frame.ignored = "", True
            return
        if anchored is None:
            frame.put(None)
            return
        if len(self._open) + anchored.height > MAX_DEPTH:
            self._fatal("NF107", f"nested deeper than {MAX_DEPTH} levels", event)
        frame.below = max(frame.below, anchored.height)
        frame.put(anchored.value)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._fatal("NF106", "a file holds one document", event, 'remove the line "---" or split the file')

    def _node(self, event: Any) -> int:
        positions = self.positions
        node = len(positions.starts)
        end = event.end_mark.index
        positions.starts.append(event.start_mark.index)
        positions.ends.append(end)
        positions.after.append(node + 1)
        self._last_end = end
        if node >= MAX_NODES:
            self._fatal("NF119", f"more than {MAX_NODES:,} keys and values", event, "split the file")
        return node

    def _tag(self, event: Any) -> None:
        self._error("NF111", f'tags are not read ("{escaped(event.tag)}")', event, "remove the tag, or quote the text")

    def _complex_key(self, event: Any) -> None:
        start = event.start_mark.index
        text = self.problems.lines.text
        if text[start : start + 1] == "{" and text[start - 1 : start] == "{":
            line = self.problems.lines.line(self.problems.lines.range(start, start).line)
            template = line[line.index("{{") :].strip()
            self.problems.add(
                "NF104",
                'a text that begins with "{{" is read as a mapping',
                start - 1,
                start + 1,
                hint=f"quote it: '{template}'",
            )
            return
        self._error("NF113", "a key has to be a text, not a list or a mapping", event, "quote it")

    def _error(self, code: str, message: str, event: Any, hint: str = "") -> None:
        self.problems.add(code, message, event.start_mark.index, event.end_mark.index, hint=hint)

    def _fatal(self, code: str, message: str, event: Any, hint: str = "") -> None:
        self._error(code, message, event, hint)
        self.problems.raise_errors()
