"""``set``: values, rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.documents.steps import SetStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, Scope
from nano_flow.plan.places import BODY
from nano_flow.plan.plan import Value
from nano_flow.plan.shape import Shape


@dataclass(frozen=True, slots=True)
class PlannedSet:
    """Values, rendered."""

    values: Mapping[str, Value]


def _read(document: SetStep, fields: Fields, read: Reader) -> None:
    fields["set"] = read.value(("set",), document.set, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedSet:
    values = draft.fields[step.number]["set"]
    assert isinstance(values, dict)
    return PlannedSet(values)


def _output(scope: Scope, step: int) -> Shape:
    return scope.shape_of(scope.draft.fields[step].get("set"), BODY, step)


KIND = PlannedKind(SetStep, PlannedSet, _read, _freeze, _output)
