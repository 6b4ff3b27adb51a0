"""A document on top of others that it extends: their data merged, and where each part of it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nano_flow.core.diagnostics import SourceRange
from nano_flow.source.source_map import Path, SourceDocument

Place = tuple[int, int]
"""A layer and the index in its list."""
_NAME = "name"


@dataclass(slots=True)
class LayeredDocument(SourceDocument):
    """The topmost document with the data of all; ``layers`` begin with it.

    Mappings merge by key. Lists and scalars replace; null removes. In the lists that ``named`` tells of, an own item
    takes the place of an inherited one of its name; the other own items stand first.
    """

    layers: tuple[SourceDocument, ...] = ()
    origins: dict[Path, list[Place]] = field(default_factory=dict)
    """List that was put together → where each of its items comes from."""

    def value_range(self, path: Path) -> SourceRange:
        """Where the value at ``path`` stands, in whichever file says it."""
        layer, inside = self._origin(path)
        return layer.value_range(inside)

    def key_range(self, path: Path) -> SourceRange:
        """Where the key that ends ``path`` stands."""
        layer, inside = self._origin(path)
        return layer.key_range(inside)

    def start_range(self, path: Path) -> SourceRange:
        """One character at the start of the value at ``path``."""
        layer, inside = self._origin(path)
        return layer.start_range(inside)

    def text_range(self, path: Path, line: int, column: int) -> SourceRange:
        """Where (line, column) of the text at ``path`` stands in its file."""
        layer, inside = self._origin(path)
        return layer.text_range(inside, line, column)

    def nodes(self, path: Path) -> tuple[int, int]:
        """The nodes of the key and of the value at ``path`` in the file that says it."""
        layer, inside = self._origin(path)
        return layer.nodes(inside)

    def _origin(self, path: Path) -> tuple[SourceDocument, Path]:
        """The topmost layer that has ``path``, else the one that has most of it; and the path in there."""
        for length in range(len(path), -1, -1):
            for number, layer in enumerate(self.layers):
                inside = self._inside(path[:length], number)
                if inside is not None and holds(layer, inside):
                    return layer, (*inside, *path[length:])
        return self.layers[0], path

    def _inside(self, path: Path, number: int) -> Path | None:
        """``path`` as layer ``number`` counts it; None where an item on the way comes from another layer."""
        inside: Path = ()
        for length, part in enumerate(path):
            origins = self.origins.get(path[:length])
            if origins is not None and isinstance(part, int) and part < len(origins):
                layer, index = origins[part]
                if layer != number:
                    return None
                part = index
            inside = (*inside, part)
        return inside


def holds(source: SourceDocument, path: Path) -> bool:
    """Whether ``source`` itself has something at ``path``."""
    data = source.data
    for part in path:
        if isinstance(data, dict):
            found = part in data
        else:
            found = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if not found:
            return False
        data = data[part]
    return True


def layered(layers: Sequence[SourceDocument], named: Callable[[Path], bool]) -> LayeredDocument:
    """``layers`` as one document, the first on top; ``named`` tells which lists hold items with names."""
    merging = _Merging(named)
    data = layers[-1].data
    for number in range(len(layers) - 2, -1, -1):
        data = merging.merged(layers[number].data, data, (), (number, len(layers) - 1))
    own = layers[0]
    return LayeredDocument(data, own.positions, own.lines, own.warnings, tuple(layers), merging.origins)


@dataclass(slots=True)
class _Merging:
    named: Callable[[Path], bool]
    origins: dict[Path, list[Place]] = field(default_factory=dict)

    def merged(self, own: Any, base: Any, path: Path, layers: tuple[int, int]) -> Any:
        """``own`` on top of ``base``; ``layers`` are the number of ``own`` and that of the lowest."""
        if isinstance(own, dict) and isinstance(base, dict):
            whole = {key: value for key, value in base.items() if own.get(key, ...) is not None}
            for key, value in own.items():
                if value is not None:
                    known = whole.get(key)
                    whole[key] = self.merged(value, known, (*path, key), layers) if key in whole else value
            return whole
        if isinstance(own, list) and isinstance(base, list) and self.named(path):
            return self._items(own, base, path, layers)
        self._forget(path)
        return own

    def _items(self, own: list[Any], base: list[Any], path: Path, layers: tuple[int, int]) -> list[Any]:
        number, lowest = layers
        before = self.origins.get(path) or [(lowest, index) for index in range(len(base))]
        names = {name: index for index, item in enumerate(base) if (name := _name(item)) is not None}
        items, places = list(base), list(before)
        first: list[tuple[Any, Place]] = []
        for index, item in enumerate(own):
            name = _name(item)
            if name in names:
                items[names[name]], places[names[name]] = item, (number, index)
            else:
                first.append((item, (number, index)))
        self.origins[path] = [*(place for _, place in first), *places]
        return [*(item for item, _ in first), *items]

    def _forget(self, path: Path) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def _name(item: Any) -> Any:
    return item.get(_NAME) if isinstance(item, dict) else None
