"""Every step of a plan, however deep it stands."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep


def every_step(graph: PlannedGraph) -> Iterator[tuple[str, PlannedStep]]:
    """Address without indices → step: groups, cases, handlers and sub-workflows included, outer steps first."""
    pending: list[tuple[str, PlannedStep]] = [("", step) for step in reversed(_of(graph))]
    while pending:
        prefix, step = pending.pop()
        path = f"{prefix}{step.path}"
        yield path, step
        pending.extend(reversed(_inside(prefix, path, step)))


def _inside(prefix: str, path: str, step: PlannedStep) -> list[tuple[str, PlannedStep]]:
    spec = step.spec
    if isinstance(spec, PlannedGroup):
        return [(prefix, inner) for inner in _of(spec.graph)]
    if isinstance(spec, PlannedWorkflow):
        return [(f"{path}.", inner) for inner in _of(spec.plan.graph)]
    if isinstance(spec, PlannedSwitch):
        cases = [*spec.cases.values(), *([spec.default] if spec.default else [])]
        return [(prefix, case) for case in cases]
    return []


def _of(graph: PlannedGraph) -> list[PlannedStep]:
    steps = list(graph.steps)
    for handler in (graph.on_failure, graph.finally_):
        steps.extend(_of(handler) if handler is not None else ())
    return steps


def every_plan(plan: Plan) -> Iterator[Plan]:
    """A plan and those of its sub-workflows."""
    yield plan
    yield from (step.spec.plan for _, step in every_step(plan.graph) if isinstance(step.spec, PlannedWorkflow))


def is_placed(plan: Plan) -> bool:
    """Whether other processes may do steps of it."""
    return any(step.runs_on is not None for _, step in every_step(plan.graph))
