"""A plan as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

import string
from collections.abc import Iterator

from nano_flow.plan.drawing.palette import FILL, STROKE
from nano_flow.plan.drawing.scene import Box, Node, Scene

_SAFE = frozenset(string.ascii_letters + string.digits + " _-.,:/+=()[]…·←")


def draw_mermaid(scene: Scene) -> str:
    """The flowchart's text; groups are subgraphs, labels hold no character that Mermaid or HTML would read."""
    writer = _MermaidWriter()
    lines = [f"%% {escape_label(scene.title)}", "flowchart TD"]
    lines.extend(writer.boxes(scene.boxes, "  "))
    lines.extend(
        f"  classDef {status} fill:{FILL[status]},stroke:{STROKE[status]}" for status in sorted(writer.statuses)
    )
    return "\n".join(lines) + "\n"


def escape_label(text: str) -> str:
    """``text`` with everything but letters, digits and harmless marks as Mermaid's ``#code;``."""
    return "".join(c if c in _SAFE or (ord(c) > 127 and c.isalnum()) else f"#{ord(c)};" for c in text)


class _MermaidWriter:
    def __init__(self) -> None:
        self._count = 0
        self.statuses: set[str] = set()

    def _next(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def boxes(self, boxes: tuple[Box, ...], indent: str) -> Iterator[str]:
        for box in boxes:
            if box.title:
                yield f'{indent}subgraph {self._next()}["{escape_label(box.title)}"]'
                yield from self._box(box, indent + "  ")
                yield f"{indent}end"
            else:
                yield from self._box(box, indent)

    def _box(self, box: Box, indent: str) -> Iterator[str]:
        names = [self._next() for _ in box.nodes]
        for name, node in zip(names, box.nodes, strict=True):
            yield from self._node(name, node, indent)
        for edge in box.edges:
            arrow = "-->" if edge.declared else "-.->"
            yield f"{indent}{names[edge.source]} {arrow} {names[edge.target]}"

    def _node(self, name: str, node: Node, indent: str) -> Iterator[str]:
        known = node.status if node.status in FILL else ""
        if known:
            self.statuses.add(known)
        label = "<br/>".join(escape_label(line) for line in (f"{node.title} · {node.kind}", *node.notes))
        if node.boxes:
            yield f'{indent}subgraph {name}["{label}"]'
            yield from self.boxes(node.boxes, indent + "  ")
            yield f"{indent}end"
            if known:
                yield f"{indent}class {name} {known}"
        else:
            yield f'{indent}{name}["{label}"]{f":::{known}" if known else ""}'
