"""``workflow``: another workflow, run inside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.documents.steps import WorkflowStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, Scope
from nano_flow.plan.places import BODY
from nano_flow.plan.plan import Plan, Value
from nano_flow.plan.shape import ANYTHING, Record, Shape


@dataclass(frozen=True, slots=True)
class PlannedWorkflow:
    """Another workflow, run inside this one."""

    plan: Plan
    inputs: Mapping[str, Value]


def _read(document: WorkflowStep, fields: Fields, read: Reader) -> None:
    fields["with"] = read.value(("with",), document.with_ or {}, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedWorkflow:
    inputs = draft.fields[step.number]["with"]
    assert isinstance(inputs, dict)
    return PlannedWorkflow(draft.plans[step.number], inputs)


def _output(scope: Scope, step: int) -> Shape:
    plan = scope.draft.plans.get(step)
    if plan is None or not plan.graph.has_outputs or not isinstance(plan.graph.outputs, dict):
        return ANYTHING
    return Record(dict.fromkeys(plan.graph.outputs, _unknown))


def _unknown() -> Shape:
    return ANYTHING


KIND = PlannedKind(WorkflowStep, PlannedWorkflow, _read, _freeze, _output)
