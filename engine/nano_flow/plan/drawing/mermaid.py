"""A plan as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

import string
from collections.abc import Iterator

from nano_flow.plan.drawing.palette import FILL, STROKE
from nano_flow.plan.drawing.scene import Box, Edge, Node, Scene
from nano_flow.plan.drawing.writer import BoxWriter

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


class _MermaidWriter(BoxWriter):
    def __init__(self) -> None:
        super().__init__()
        self.statuses: set[str] = set()

    def frame(self, name: int, title: str) -> tuple[str, str]:
        return f'subgraph n{name}["{escape_label(title)}"]', "end"

    def edge(self, names: list[int], box: Box, edge: Edge) -> str:
        return f"n{names[edge.source]} {'-->' if edge.declared else '-.->'} n{names[edge.target]}"

    def node(self, name: int, node: Node, indent: str) -> Iterator[str]:
        known = node.status if node.status in FILL else ""
        if known:
            self.statuses.add(known)
        label = "<br/>".join(escape_label(line) for line in (f"{node.title} · {node.kind}", *node.notes))
        if node.boxes:
            yield f'{indent}subgraph n{name}["{label}"]'
            yield from self.boxes(node.boxes, indent + "  ")
            yield f"{indent}end"
            if known:
                yield f"{indent}class n{name} {known}"
        else:
            yield f'{indent}n{name}["{label}"]{f":::{known}" if known else ""}'
