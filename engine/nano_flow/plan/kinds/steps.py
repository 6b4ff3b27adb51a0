"""``steps``: a group of steps; and the graph of a whole file, which is frozen in the same way."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.documents.steps import GroupStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, Scope
from nano_flow.plan.places import OUTPUTS
from nano_flow.plan.plan import PlannedGraph, Value
from nano_flow.plan.shape import Shape


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """A group of steps."""

    graph: PlannedGraph


def file_graph(draft: Draft, built: Built) -> PlannedGraph:
    """The steps and handlers of the file."""
    numbers = [graph.number for graph in draft.graphs if graph.owner is None]
    has_outputs = draft.document.outputs is not None
    return _graph(draft, numbers, built, draft.file_fields.get("outputs"), has_outputs)


def _read(document: GroupStep, fields: Fields, read: Reader) -> None:
    if document.outputs is not None:
        fields["outputs"] = read.value(("outputs",), document.outputs, OUTPUTS)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedGroup:
    return PlannedGroup(_group_graph(draft, step, built))


def _group_graph(draft: Draft, step: DraftStep, built: Built) -> PlannedGraph:
    """The steps and handlers inside a group."""
    assert isinstance(step.document, GroupStep)
    has_outputs = step.document.outputs is not None
    return _graph(draft, draft.inner[step.number], built, draft.fields[step.number].get("outputs"), has_outputs)


def _graph(draft: Draft, numbers: list[int], built: Built, outputs: Value, has_outputs: bool) -> PlannedGraph:
    by_role = {draft.graphs[number].role: number for number in numbers}
    main = by_role["steps"]
    return PlannedGraph(
        steps=tuple(built[number] for number in draft.graphs[main].steps),
        order=tuple(draft.steps[number].id for number in draft.orders[main]),
        outputs=outputs,
        has_outputs=has_outputs,
        on_failure=_handlers(draft, by_role.get("on_failure"), built),
        finally_=_handlers(draft, by_role.get("finally"), built),
    )


def _handlers(draft: Draft, number: int | None, built: Built) -> PlannedGraph | None:
    if number is None:
        return None
    return PlannedGraph(
        steps=tuple(built[step] for step in draft.graphs[number].steps),
        order=tuple(draft.steps[step].id for step in draft.orders[number]),
    )


def _output(scope: Scope, step: int) -> Shape:
    outputs = scope.draft.fields[step].get("outputs")
    if outputs is not None:
        return scope.shape_of(outputs, OUTPUTS, step)
    return scope.inner_outputs(scope.draft.inner[step][0])


KIND = PlannedKind(GroupStep, PlannedGroup, _read, _freeze, _output)
