"""``finish`` and ``fail``: the end of the run, as succeeded or as failed."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.documents.steps import FailStep, FinishStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, required
from nano_flow.plan.places import BODY
from nano_flow.source.expressions import Template


@dataclass(frozen=True, slots=True)
class PlannedFinish:
    """Ends the run, as succeeded or (``failed``) as failed."""

    message: Template
    failed: bool = False


def _read_finish(document: FinishStep, fields: Fields, read: Reader) -> None:
    fields["message"] = read.text(("finish",), document.finish, BODY)


def _read_fail(document: FailStep, fields: Fields, read: Reader) -> None:
    fields["message"] = read.text(("fail",), document.fail, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedFinish:
    return PlannedFinish(required(draft.fields[step.number], "message"), failed=step.document.kind == "fail")


FINISH = PlannedKind(FinishStep, PlannedFinish, _read_finish, _freeze)
FAIL = PlannedKind(FailStep, PlannedFinish, _read_fail, _freeze)
