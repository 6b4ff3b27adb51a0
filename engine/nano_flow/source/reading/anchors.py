"""Anchors and aliases, bounded: how many there are, how much they repeat, how deep they make a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nano_flow.source.reading.problems import Problems
from nano_flow.source.source_map import SourceMap

MAX_ALIASES = 100
MAX_ANCHORS = 100
MAX_REPEATED = 1024 * 1024
"""Characters that aliases may repeat, all together."""


@dataclass(slots=True)
class Anchored:
    """What an anchor names; ``height`` is 0 for a scalar, ``repeated`` what aliases inside repeat."""

    value: Any
    node: int
    height: int = 0
    repeated: int = 0
    closed: bool = False


class Anchors:
    """The anchors of one document."""

    def __init__(self, problems: Problems, positions: SourceMap) -> None:
        self._problems = problems
        self._positions = positions
        self._by_name: dict[str, Anchored] = {}
        self._anchors = 0
        self._aliases = 0
        self.repeated = 0

    def add(self, event: Any, anchored: Anchored) -> None:
        """An anchor stands here; a later one of the same name takes its place."""
        self._anchors += 1
        if self._anchors > MAX_ANCHORS:
            self._fatal("NF108", f"more than {MAX_ANCHORS} anchors", event)
        self._by_name[event.anchor] = anchored

    def repeat(self, event: Any, node: int) -> Anchored | None:
        """What an alias repeats; None, noted, where it cannot."""
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._fatal("NF108", f"more than {MAX_ALIASES} aliases", event)
        anchored = self._by_name.get(event.anchor)
        if anchored is None:
            hint = "" if event.anchor[0].isalnum() else 'a text that begins with "*" has to be quoted'
            self._error("NF109", f'nothing above is anchored as "&{event.anchor}"', event, hint)
            return None
        if not anchored.closed:
            self._error("NF109", f'"&{event.anchor}" would contain itself', event)
            return None
        starts, ends = self._positions.starts, self._positions.ends
        self.repeated += ends[anchored.node] - starts[anchored.node] + anchored.repeated
        if self.repeated > MAX_REPEATED:
            self._fatal("NF108", f"aliases repeat more than {MAX_REPEATED:,} characters", event)
        self._positions.aliases[node] = anchored.node
        return anchored

    def _error(self, code: str, message: str, event: Any, hint: str = "") -> None:
        self._problems.add(code, message, event.start_mark.index, event.end_mark.index, hint=hint)

    def _fatal(self, code: str, message: str, event: Any) -> None:
        self._error(code, message, event, "write the values out")
        self._problems.raise_errors()
