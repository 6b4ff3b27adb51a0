"""``approve``: a question to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.documents.steps import ApproveStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, Scope, required
from nano_flow.plan.places import BODY
from nano_flow.plan.shape import ANYTHING, TEXT, Described, Shape, record
from nano_flow.source.expressions import Template


@dataclass(frozen=True, slots=True)
class PlannedApprove:
    """A question to a person."""

    message: Template
    options: tuple[str, ...] = ("approve", "reject")
    input_schema: Mapping[str, Json] | None = None
    timeout_s: float | None = None
    on_timeout: str | None = None


def _read(document: ApproveStep, fields: Fields, read: Reader) -> None:
    fields["message"] = read.text(("approve", "message"), document.approve.message, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedApprove:
    assert isinstance(step.document, ApproveStep)
    document = step.document.approve
    return PlannedApprove(
        message=required(draft.fields[step.number], "message"),
        options=tuple(document.options or ("approve", "reject")),
        input_schema=draft.schemas.get((*step.at, "approve", "input")),
        timeout_s=document.timeout,
        on_timeout=document.on_timeout,
    )


def _output(scope: Scope, step: int) -> Shape:
    at = (*scope.draft.steps[step].at, "approve", "input")
    schema = scope.draft.schemas.get(at)
    typed: Shape = ANYTHING if schema is None else Described(dict(schema), dict(schema))
    return record(decision=TEXT, input=typed, comment=TEXT, by=TEXT, at=ANYTHING)


KIND = PlannedKind(ApproveStep, PlannedApprove, _read, _freeze, _output)
