"""Draws a plan in the form that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from nano_flow.plan.drawing.scene import build_scene
from nano_flow.plan.plan import Plan

GraphFormat = Literal["tree", "mermaid", "dot", "svg"]
GRAPH_FORMATS: tuple[str, ...] = get_args(GraphFormat)


def draw(
    plan: Plan,
    form: GraphFormat,
    statuses: Mapping[str, str] | None = None,
    width: int = 80,
    *,
    figures: Mapping[str, str] | None = None,
) -> str:
    """``plan`` as text of ``form``; ``width`` bounds a tree's lines.

    ``statuses`` maps a step's path to its status, ``figures`` to a line that is written on it.
    """
    scene = build_scene(plan, statuses, figures)
    if form == "tree":
        from nano_flow.plan.drawing.tree import draw_tree

        return draw_tree(scene, width)
    if form == "mermaid":
        from nano_flow.plan.drawing.mermaid import draw_mermaid

        return draw_mermaid(scene)
    if form == "dot":
        from nano_flow.plan.drawing.dot import draw_dot

        return draw_dot(scene)
    from nano_flow.plan.drawing.svg import draw_svg

    return draw_svg(scene)
