"""The walk through a drawing that languages with nested subgraphs share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from nano_flow.plan.drawing.scene import Box, Edge, Node


class BoxWriter(ABC):
    """Numbers subgraphs and nodes in the order in which they are written; a language says how each looks."""

    def __init__(self) -> None:
        self._count = 0

    @abstractmethod
    def frame(self, name: int, title: str) -> tuple[str, str]:
        """The line before a titled box and the one after it."""

    @abstractmethod
    def node(self, name: int, node: Node, indent: str) -> Iterator[str]:
        """The lines of a step, with what stands inside it."""

    @abstractmethod
    def edge(self, names: list[int], box: Box, edge: Edge) -> str:
        """The line of an edge; ``names`` are those of the nodes of ``box``."""

    def boxes(self, boxes: tuple[Box, ...], indent: str) -> Iterator[str]:
        """The lines of ``boxes``."""
        for box in boxes:
            if box.title:
                first, last = self.frame(self._next(), box.title)
                yield f"{indent}{first}"
                yield from self._inside(box, indent + "  ")
                yield f"{indent}{last}"
            else:
                yield from self._inside(box, indent)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _inside(self, box: Box, indent: str) -> Iterator[str]:
        names = [self._next() for _ in box.nodes]
        for name, node in zip(names, box.nodes, strict=True):
            yield from self.node(name, node, indent)
        for edge in box.edges:
            yield f"{indent}{self.edge(names, box, edge)}"
