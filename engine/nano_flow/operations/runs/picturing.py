"""The graph of a recorded run, from the documents that it ran under."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.errors import NanoFlowError
from nano_flow.core.refs import path_of
from nano_flow.operations.place import Place
from nano_flow.plan.drawing.draw import draw
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_step
from nano_flow.ports import RunRecord
from nano_flow.project.opening import open_workflow

__all__ = ["Plan", "picture_of_run", "plan_of_run", "templates_of"]


def plan_of_run(place: Place, record: RunRecord) -> Plan | None:
    """The plan that a run had; None where its documents cannot be read as one any more."""
    try:
        return open_workflow(record.file, place.config_dir, record.documents).plan
    except (NanoFlowError, OSError):
        return None


def templates_of(plan: Plan, address: str) -> dict[str, str]:
    """What the author of the step at ``address`` wrote, by who says it; empty where nothing is put into it."""
    spec = next((step.spec for path, step in every_step(plan.graph) if path == path_of(address)), None)
    if not isinstance(spec, PlannedPrompt):
        return {}
    written = {"system": spec.system, "prompt": spec.prompt}
    return {name: template.source for name, template in written.items() if template and template.form != "literal"}


def picture_of_run(plan: Plan, statuses: Mapping[str, str], figures: Mapping[str, str]) -> str:
    """The plan as SVG, its steps in their states, each with its figures."""
    return draw(plan, "svg", statuses, figures=figures)
