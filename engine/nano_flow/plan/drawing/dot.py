"""A plan in Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.plan.drawing.palette import FILL, STROKE
from nano_flow.plan.drawing.scene import Box, Edge, Node, Scene
from nano_flow.plan.drawing.writer import BoxWriter


def draw_dot(scene: Scene) -> str:
    """The digraph's text; groups are clusters, edges to a group end at its border."""
    lines = [
        f"digraph {_quoted(scene.title)} {{",
        '  compound=true; rankdir=TB; node [shape=box, style="rounded,filled", fontname="sans-serif"];',
        '  graph [fontname="sans-serif"]; edge [color="#5b6573"];',
        *_DotWriter().boxes(scene.boxes, "  "),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class _DotWriter(BoxWriter):
    def frame(self, name: int, title: str) -> tuple[str, str]:
        return f"subgraph cluster_{name} {{ label={_quoted(title)}; style=dashed;", "}"

    def edge(self, names: list[int], box: Box, edge: Edge) -> str:
        source, target = edge.source, edge.target
        ends = [f"ltail=cluster_{names[source]}"] if box.nodes[source].boxes else []
        ends += [f"lhead=cluster_{names[target]}"] if box.nodes[target].boxes else []
        clipped = f" [{', '.join(ends)}]" if ends else ""
        return f"n{names[source]} -> n{names[target]}{clipped}{'' if edge.declared else _DASHED};"

    def node(self, name: int, node: Node, indent: str) -> Iterator[str]:
        label = _quoted("\n".join((f"{node.title} · {node.kind}", *node.notes)))
        colours = f'color="{STROKE.get(node.status, STROKE[""])}", fillcolor="{FILL.get(node.status, FILL[""])}"'
        if not node.boxes:
            yield f"{indent}n{name} [label={label}, {colours}];"
            return
        yield f"{indent}subgraph cluster_{name} {{"
        yield f'{indent}  graph [label={label}, style="rounded,filled", {colours}];'
        # A cluster cannot be the end of an edge: a point inside it is, and the edge is cut at the border.
        yield f'{indent}  n{name} [shape=point, style=invis, label=""];'
        yield from self.boxes(node.boxes, indent + "  ")
        yield f"{indent}}}"


_DASHED = " [style=dashed]"
