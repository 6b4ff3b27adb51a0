"""What is known of a step's output from its kind, its schema and the steps inside it."""

from __future__ import annotations

from nano_flow.documents.steps import OnErrorOutput
from nano_flow.plan.kinds.kind import Scope
from nano_flow.plan.kinds.table import KINDS
from nano_flow.plan.places import ON_ERROR
from nano_flow.plan.shape import ListOf, OneOf, Shape


def output(scope: Scope, step: int) -> Shape:
    """The shape of ``steps.ID.output``: a list where the step is a fan-out."""
    document = scope.draft.steps[step].document
    shape = body_output(scope, step)
    if document.for_each is not None:
        shape = ListOf(shape, fan_out=True)
    if isinstance(document.on_error, OnErrorOutput):
        instead = scope.draft.fields[step].get("on_error")
        return OneOf((shape, scope.shape_of(instead, ON_ERROR, step)))
    return shape


def body_output(scope: Scope, step: int) -> Shape:
    """The shape of what one item or iteration of ``step`` gives."""
    return KINDS[scope.draft.steps[step].document.kind].output(scope, step)
