"""``wait``: a pause."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.documents.steps import WaitStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, required
from nano_flow.plan.places import BODY
from nano_flow.source.expressions import Template


@dataclass(frozen=True, slots=True)
class PlannedWait:
    """A pause; the duration is fixed, or a template that renders to one."""

    duration: Template | float


def _read(document: WaitStep, fields: Fields, read: Reader) -> None:
    if isinstance(document.wait, str):
        fields["wait"] = read.text(("wait",), document.wait, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedWait:
    assert isinstance(step.document, WaitStep)
    if isinstance(step.document.wait, float):
        return PlannedWait(step.document.wait)
    return PlannedWait(required(draft.fields[step.number], "wait"))


KIND = PlannedKind(WaitStep, PlannedWait, _read, _freeze)
