"""``switch``: one of several steps, by a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.documents.steps import SwitchStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, Scope, required
from nano_flow.plan.places import BODY
from nano_flow.plan.plan import PlannedStep
from nano_flow.plan.shape import ANYTHING, OneOf, Shape
from nano_flow.source.expressions import Template

MOST_CASES = 50
"""Branches of a switch that are looked at; the output of a wider one counts as unknown."""


@dataclass(frozen=True, slots=True)
class PlannedSwitch:
    """One of several steps; their ids are the switch's own, so that no segment is added to addresses."""

    value: Template
    cases: Mapping[str, PlannedStep]
    default: PlannedStep | None = None


def _read(document: SwitchStep, fields: Fields, read: Reader) -> None:
    fields["value"] = read.expression(("switch", "value"), document.switch.value, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedSwitch:
    assert isinstance(step.document, SwitchStep)
    branches = [draft.graphs[graph].steps[0] for graph in draft.inner[step.number]]
    default = branches.pop() if step.document.switch.default is not None else None
    return PlannedSwitch(
        value=required(draft.fields[step.number], "value"),
        cases={draft.steps[number].case or "": built[number] for number in branches},
        default=None if default is None else built[default],
    )


def _output(scope: Scope, step: int) -> Shape:
    graphs = scope.draft.inner.get(step, [])
    if len(graphs) > MOST_CASES:
        return ANYTHING
    return OneOf(tuple(scope.output_of(scope.draft.graphs[graph].steps[0]) for graph in graphs))


KIND = PlannedKind(SwitchStep, PlannedSwitch, _read, _freeze, _output)
