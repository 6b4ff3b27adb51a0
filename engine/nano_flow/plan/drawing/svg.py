"""A plan as one SVG picture, drawn without any other program: no script, no link, every text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from nano_flow.core.shown.printable import columns
from nano_flow.plan.drawing.layout import Layout, lay_out
from nano_flow.plan.drawing.palette import FILL, STROKE
from nano_flow.plan.drawing.scene import Box, Node, Scene

LINE = 16.0
PAD = 12.0
MARGIN = 20.0
NARROWEST = 90.0


@dataclass(frozen=True, slots=True)
class _DrawnBox:
    box: Box
    nodes: tuple[_DrawnNode, ...]
    layout: Layout
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _DrawnNode:
    """A node with its size; its boxes stand at places counted from its own corner."""

    node: Node
    lines: tuple[str, ...]
    boxes: tuple[_DrawnBox, ...]
    width: float
    height: float


def draw_svg(scene: Scene) -> str:
    """The picture as text; ``viewBox`` lets any page scale it."""
    boxes, inner_width, inner_height = _measure_boxes(scene.boxes, MARGIN + LINE + PAD)
    width = max(inner_width, _text_width(scene.title) * 1.2) + 2 * MARGIN
    height = inner_height + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="system-ui, sans-serif" font-size="12" role="img">'
    )
    body = [part for box in boxes for part in _draw_box(box, MARGIN, 0.0)]
    title = _text(scene.title)
    return "\n".join(
        [
            head,
            f"<title>{title}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="{STROKE[""]}"/></marker></defs>',
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" fill="#fbfcfd"/>',
            f'<text class="name" x="{MARGIN:.0f}" y="{MARGIN + 12:.0f}" font-size="15" font-weight="600" '
            f'fill="#1c2430">{title}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def _text(text: str) -> str:
    """Escaped, without the two characters that are printable to Python and no XML."""
    return escape(text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


def _text_width(text: str) -> float:
    return 7.0 * columns(text)


def _measure_boxes(boxes: tuple[Box, ...], top: float) -> tuple[tuple[_DrawnBox, ...], float, float]:
    drawn: list[_DrawnBox] = []
    width, y = 0.0, top
    for box in boxes:
        nodes = tuple(_measure_node(node) for node in box.nodes)
        edges = [(edge.source, edge.target) for edge in box.edges]
        layout = lay_out([(node.width, node.height) for node in nodes], edges)
        frame = PAD if box.title else 0.0
        label = LINE if box.title else 0.0
        wide = max(layout.width, _text_width(box.title)) + 2 * frame
        high = layout.height + 2 * frame + label
        drawn.append(_DrawnBox(box, nodes, layout, 0.0, y, wide, high))
        width, y = max(width, wide), y + high + PAD
    return tuple(drawn), width, y


def _measure_node(node: Node) -> _DrawnNode:
    lines = (f"{node.title} · {node.kind}", *node.notes)
    text_width = max(_text_width(line) for line in lines)
    text_height = len(lines) * LINE + PAD
    if not node.boxes:
        return _DrawnNode(node, lines, (), max(NARROWEST, text_width + 2 * PAD), text_height)
    boxes, width, height = _measure_boxes(node.boxes, text_height)
    return _DrawnNode(node, lines, boxes, max(text_width, width) + 2 * PAD, height)


def _draw_box(drawn: _DrawnBox, x: float, y: float) -> Iterator[str]:
    x, y = x + drawn.x, y + drawn.y
    if drawn.box.title:
        yield (
            f'<rect class="frame" x="{x:.1f}" y="{y:.1f}" width="{drawn.width:.1f}" height="{drawn.height:.1f}" rx="6" '
            f'fill="none" stroke="#9aa4b0" stroke-dasharray="4 3"/>'
        )
        yield f'<text class="note" x="{x + PAD:.1f}" y="{y + LINE:.1f}" fill="#5b6573">{_text(drawn.box.title)}</text>'
        x, y = x + PAD, y + PAD + LINE
    for position in range(len(drawn.box.edges)):
        yield _draw_edge(drawn, position, x, y)
    for node, (left, top) in zip(drawn.nodes, drawn.layout.corners, strict=True):
        yield from _draw_node(node, x + left, y + top)


def _draw_edge(drawn: _DrawnBox, position: int, x: float, y: float) -> str:
    edge = drawn.box.edges[position]
    source, target = drawn.nodes[edge.source], drawn.nodes[edge.target]
    from_x, from_y = drawn.layout.corners[edge.source]
    to_x, to_y = drawn.layout.corners[edge.target]
    points = [
        (from_x + source.width / 2, from_y + source.height),
        *drawn.layout.bends[position],
        (to_x + target.width / 2, to_y),
    ]
    path = f"M{x + points[0][0]:.1f} {y + points[0][1]:.1f}"
    for (ax, ay), (bx, by) in pairwise(points):
        half = (ay + by) / 2
        path += f" C{x + ax:.1f} {y + half:.1f} {x + bx:.1f} {y + half:.1f} {x + bx:.1f} {y + by:.1f}"
    dashes = "" if edge.declared else ' stroke-dasharray="5 3"'
    return f'<path class="edge" d="{path}" fill="none" stroke="{STROKE[""]}"{dashes} marker-end="url(#tip)"/>'


def _draw_node(drawn: _DrawnNode, x: float, y: float) -> Iterator[str]:
    node = drawn.node
    stroke, fill = STROKE.get(node.status, STROKE[""]), FILL.get(node.status, FILL[""])
    status = f": {node.status}" if node.status else ""
    mark = f"node {node.status}".rstrip()
    yield f'<g class="{mark}" data-path="{_text(node.path)}"><title>{_text(node.path + status)}</title>'
    yield (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{drawn.width:.1f}" height="{drawn.height:.1f}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )
    for number, line in enumerate(drawn.lines):
        style = 'class="name" font-weight="600" fill="#1c2430"' if number == 0 else 'class="note" fill="#5b6573"'
        yield f'<text x="{x + PAD:.1f}" y="{y + PAD + 4 + number * LINE:.1f}" {style}>{_text(line)}</text>'
    yield "</g>"
    for box in drawn.boxes:
        yield from _draw_box(box, x + PAD, y)
