"""The graph of a recorded run, from the documents that it ran under."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.errors import NanoFlowError
from nano_flow.operations.place import Place
from nano_flow.plan.drawing.draw import draw
from nano_flow.plan.plan import Plan
from nano_flow.ports import RunRecord
from nano_flow.project.opening import open_workflow

__all__ = ["Plan", "picture_of_run", "plan_of_run"]


def plan_of_run(place: Place, record: RunRecord) -> Plan | None:
    """The plan that a run had; None where its documents cannot be read as one any more."""
    try:
        return open_workflow(record.file, place.config_dir, record.documents).plan
    except (NanoFlowError, OSError):
        return None


def picture_of_run(plan: Plan, statuses: Mapping[str, str], figures: Mapping[str, str]) -> str:
    """The plan as SVG, its steps in their states, each with its figures."""
    return draw(plan, "svg", statuses, figures=figures)
