"""A plan as an indented tree that fits a narrow terminal."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.shown.printable import clip
from nano_flow.plan.drawing.palette import MARK
from nano_flow.plan.drawing.scene import Box, Node, Scene

_Line = tuple[str, str]
"""The rails before a text, and the text."""


def draw_tree(scene: Scene, width: int = 80) -> str:
    """Lines of at most ``width`` characters: each step below its group, with what it waits for."""
    lines = [clip(scene.title, width)]
    lines.extend(rails + clip(text, max(12, width - len(rails))) for rails, text in _boxes(scene.boxes, ""))
    return "\n".join(lines) + "\n"


def _boxes(boxes: tuple[Box, ...], rails: str) -> Iterator[_Line]:
    entries = [entry for box in boxes for entry in _entries(box)]
    for position, entry in enumerate(entries):
        last = position == len(entries) - 1
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if isinstance(entry, Box):
            yield rails + branch, f"{entry.title}:"
            yield from _boxes((Box("", entry.nodes, entry.edges),), rails + below)
        else:
            node, waits = entry
            yield rails + branch, _headline(node, waits)
            yield from _inside(node, rails + below)


def _entries(box: Box) -> list[Box | tuple[Node, list[str]]]:
    if box.title:
        return [box]
    waits: list[list[str]] = [[] for _ in box.nodes]
    for edge in box.edges:
        waits[edge.target].append(box.nodes[edge.source].title)
    return list(zip(box.nodes, waits, strict=True))


def _headline(node: Node, waits: list[str]) -> str:
    mark = f"{MARK.get(node.status, node.status)} " if node.status else ""
    arrow = f" ← {', '.join(waits)}" if waits else ""
    return f"{mark}{node.title} · {node.kind}{arrow}"


def _inside(node: Node, rails: str) -> Iterator[_Line]:
    for note in node.notes:
        yield rails + ("│  " if node.boxes else "   "), note
    yield from _boxes(node.boxes, rails)
