"""The part of a large document that is wrong, so that what is fine is not judged, nor ten thousand slips explained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nano_flow.source.source_map import Path

MAX_ENTRIES = 60
"""Entries of one mapping or list that are looked at; a smaller one is kept whole."""


@dataclass(slots=True)
class Pruned:
    """Data without most of what is fine; ``shifts`` tells how many items the front of a cut list has lost."""

    data: Any
    left_out: int
    shifts: dict[Path, int]

    def original(self, path: Path) -> Path:
        """The path in the whole document of a path in the pruned one."""
        found: Path = ()
        for part in path:
            shift = self.shifts.get(found, 0) if isinstance(part, int) else 0
            found = (*found, part + shift if isinstance(part, int) else part)
        return found


@dataclass(slots=True)
class _Node:
    """What is refused inside one place, by key or index; ``record``: its keys are fixed, and some are unknown."""

    inside: dict[str | int, _Node] = field(default_factory=dict)
    record: bool = False


def prune(data: Any, refused: Iterable[tuple[Path, bool]]) -> Pruned:
    """Cut mappings and lists of more than ``MAX_ENTRIES`` down to the first entries that are refused.

    ``refused`` are Pydantic's locations, each with whether it is an unknown key. A location holds names of the forms
    that were tried between the keys; they are skipped.
    """
    root = _Node()
    for location, is_unknown_key in refused:
        _mark(root, data, location, is_unknown_key)
    pruned = Pruned(None, 0, {})
    pruned.data = _cut(data, root, (), pruned)
    return pruned


def _mark(node: _Node, data: Any, location: Path, is_unknown_key: bool) -> None:
    parent = node
    for part in location:
        if isinstance(data, dict):
            if part not in data:
                continue
        elif not (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            continue
        data = data[part]
        parent, node = node, node.inside.setdefault(part, _Node())
    parent.record = parent.record or is_unknown_key


def _cut(data: Any, node: _Node, path: Path, pruned: Pruned) -> Any:
    if isinstance(data, dict):
        kept = list(data) if len(data) <= MAX_ENTRIES or not node.inside else _kept_keys(data, node, pruned)
        return {key: _entry(data[key], node, key, path, pruned) for key in kept}
    if isinstance(data, list):
        start, end = 0, len(data)
        if len(data) > MAX_ENTRIES and node.inside:
            start = min(int(key) for key in node.inside)
            end = min(end, start + MAX_ENTRIES)
            pruned.shifts[path] = start
        return [_entry(data[index], node, index, path, pruned) for index in range(start, end)]
    return data


def _kept_keys(data: dict[str, Any], node: _Node, pruned: Pruned) -> list[str]:
    """The first refused keys; where keys are fixed, also those that are fine: some of them are needed."""
    bad = [str(key) for key in node.inside]
    pruned.left_out += max(0, len(bad) - MAX_ENTRIES)
    good = [key for key in data if key not in node.inside] if node.record else []
    return good + bad[:MAX_ENTRIES]


def _entry(value: Any, node: _Node, key: str | int, path: Path, pruned: Pruned) -> Any:
    inside = node.inside.get(key)
    return value if inside is None else _cut(value, inside, (*path, key), pruned)
