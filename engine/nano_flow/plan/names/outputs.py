"""What is known of a step's output from its kind, its schema and the steps inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from nano_flow.core.messages import Json
from nano_flow.documents.steps import OnErrorOutput
from nano_flow.plan.draft import Draft
from nano_flow.plan.names.shape import (
    ANYTHING,
    NULL,
    NUMBER,
    TEXT,
    Described,
    ListOf,
    OneOf,
    Record,
    Shape,
    record,
)
from nano_flow.plan.places import BODY, ON_ERROR, OUTPUTS, Place
from nano_flow.plan.plan import Value

MOST_CASES = 50
"""Branches of a switch that are looked at; the output of a wider one counts as unknown."""


class Scope(Protocol):
    """What is known of the other values of the file."""

    draft: Draft

    def shape_of(self, value: Value, place: Place, step: int | None) -> Shape:
        """The shape of a value with templates in it."""

    def inner_outputs(self, graph: int) -> Record:
        """The outputs of all steps of a graph, by id."""


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
    return _BY_KIND[scope.draft.steps[step].document.kind](scope, step)


def _schema(scope: Scope, step: int, key: str = "output_schema") -> Shape | None:
    schema = scope.draft.schemas.get(scope.draft.written(step, key))
    if schema is None:
        return None
    plain: dict[str, Json] = dict(schema)
    return Described(plain, plain)


def _prompt(scope: Scope, step: int) -> Shape:
    return _described(scope, step) or TEXT


def _run(scope: Scope, step: int) -> Shape:
    return _described(scope, step) or record(stdout=TEXT, stderr=TEXT, exit_code=NUMBER)


def _tool(scope: Scope, step: int) -> Shape:
    return _described(scope, step) or ANYTHING


def _described(scope: Scope, step: int) -> Shape | None:
    if getattr(scope.draft.steps[step].document, "output_schema", None) is None:
        return None
    # A schema whose file could not be read was reported; here it admits everything.
    return _schema(scope, step) or ANYTHING


def _workflow(scope: Scope, step: int) -> Shape:
    plan = scope.draft.plans.get(step)
    if plan is None or not plan.graph.has_outputs or not isinstance(plan.graph.outputs, dict):
        return ANYTHING
    return Record(dict.fromkeys(plan.graph.outputs, _unknown))


def _set(scope: Scope, step: int) -> Shape:
    return scope.shape_of(scope.draft.fields[step].get("set"), BODY, step)


def _approve(scope: Scope, step: int) -> Shape:
    at = (*scope.draft.steps[step].at, "approve", "input")
    schema = scope.draft.schemas.get(at)
    typed: Shape = ANYTHING if schema is None else Described(dict(schema), dict(schema))
    return record(decision=TEXT, input=typed, comment=TEXT, by=TEXT, at=ANYTHING)


def _switch(scope: Scope, step: int) -> Shape:
    graphs = scope.draft.inner.get(step, [])
    if len(graphs) > MOST_CASES:
        return ANYTHING
    return OneOf(tuple(output(scope, scope.draft.graphs[graph].steps[0]) for graph in graphs))


def _group(scope: Scope, step: int) -> Shape:
    outputs = scope.draft.fields[step].get("outputs")
    if outputs is not None:
        return scope.shape_of(outputs, OUTPUTS, step)
    return scope.inner_outputs(scope.draft.inner[step][0])


def _null(scope: Scope, step: int) -> Shape:
    return NULL


def _unknown() -> Shape:
    return ANYTHING


_BY_KIND: Mapping[str, Callable[[Scope, int], Shape]] = {
    "prompt": _prompt,
    "run": _run,
    "tool": _tool,
    "workflow": _workflow,
    "set": _set,
    "approve": _approve,
    "switch": _switch,
    "steps": _group,
    "wait": _null,
    "finish": _null,
    "fail": _null,
}
