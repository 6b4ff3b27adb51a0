"""Bounds that are known before a run: lists that are too long, and fan-outs of fan-outs over ``limits.steps``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import WorkflowStep
from nano_flow.documents.workflow import USUAL_STEPS
from nano_flow.plan.checks.inside import certain_starts, constant_length, expanded_size
from nano_flow.plan.draft import Draft, DraftStep, Found, Path, problem
from nano_flow.plan.freezing.steps import ITEMS
from nano_flow.plan.names.schema_shape import is_list
from nano_flow.plan.names.scope import Scope
from nano_flow.plan.passes.cycles import upstream
from nano_flow.plan.places import FOR_EACH
from nano_flow.plan.shape import Described, Record, Scalar
from nano_flow.source.expressions import Template

MOST_STEPS = 100_000
"""Steps of a plan, every sub-workflow written out at each place that calls it."""


def check_bounds(draft: Draft) -> Iterator[Diagnostic]:
    """Constant fan-outs; what only a run knows is checked there, when the list is read."""
    scope = Scope(draft)
    too_long = False
    for step in draft.steps:
        if step.document.for_each is not None:
            found = _items(draft, scope, step)
            too_long = too_long or bool(found)
            yield from found
    if not too_long:
        yield from _Counter(draft).check()
    yield from _expanded(draft)


def _items(draft: Draft, scope: Scope, step: DraftStep) -> Found:
    at = (*step.at, "for_each")
    rows = draft.fields[step.number].get("for_each_file")
    if isinstance(rows, Template):
        return _file(draft, (*at, "file"), rows)
    over = draft.fields[step.number].get("for_each")
    length = constant_length(over)
    bound = step.document.max_items or ITEMS
    if length is not None and length > bound:
        message = f"the list has {length:,} items, and max_items is {bound:,}"
        hint = f"write `max_items: {length}` if that many are meant"
        return [problem("NF323", message, draft.where(at), at=at, hint=hint)]
    shape = scope.shape_of(over, FOR_EACH, step.number) if isinstance(over, Template) else None
    no_list = isinstance(shape, Scalar | Record) or (isinstance(shape, Described) and is_list(shape) is False)
    if not no_list:
        return []
    what = shape.name if isinstance(shape, Scalar) else "no list"
    return [problem("NF329", f"for_each goes over a list, and this is {what}", draft.where(at), at=at)]


def _file(draft: Draft, at: Path, rows: Template) -> Found:
    from nano_flow.source.tables import LISTS, ending_of, list_endings

    if rows.form != "literal" or ending_of(rows.source) in LISTS:
        return []
    return [problem("NF329", f'for_each reads {list_endings()}, and this is "{rows.source}"', draft.where(at), at=at)]


def _expanded(draft: Draft) -> Iterator[Diagnostic]:
    """Files that call each other twice on every level would make billions of steps out of a few lines."""
    memo: dict[int, int] = {}
    total = len(draft.steps)
    for number, plan in draft.plans.items():
        total += expanded_size(plan, memo)
        if total > MOST_STEPS:
            at = (*draft.steps[number].at, "workflow")
            message = f"with its sub-workflows this file has more than {MOST_STEPS:,} steps"
            yield problem("NF323", message, draft.where(at), at=at, hint="use `for_each` to do one thing many times")
            return


class _Counter:
    """Counts leaf steps that are certain to start once the step around them does."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        limits = draft.document.limits
        self._limit = USUAL_STEPS if limits is None or limits.steps is None else limits.steps
        self._memo: dict[int, int] = {}

    def check(self) -> Found:
        draft = self._draft
        counts: dict[int, int] = {}
        for step in reversed(draft.steps):
            counts[step.number] = self._count(step, counts)
            if counts[step.number] > self._limit:
                return [self._too_many(step, counts[step.number])]
        total = self._certain(0, counts)
        if total <= self._limit:
            return []
        at = ("limits", "steps")
        message = f"this workflow starts {total:,} steps, and limits.steps is {self._limit:,}"
        return [problem("NF323", message, draft.where(at), at=at)]

    def _too_many(self, step: DraftStep, count: int) -> Diagnostic:
        at = (*step.at, "for_each") if step.document.for_each is not None else step.at
        message = f'"{step.id}" starts {count:,} steps, and limits.steps is {self._limit:,}'
        where = self._draft.where(at) if step.document.for_each is not None else self._draft.key(at)
        return problem("NF323", message, where, at=at, hint="make the lists shorter, or raise `limits: {steps: …}`")

    def _count(self, step: DraftStep, counts: Mapping[int, int]) -> int:
        items = 1
        if step.document.for_each is not None:
            items = constant_length(self._draft.fields[step.number].get("for_each")) or 0
        return items * self._body(step, counts)

    def _body(self, step: DraftStep, counts: Mapping[int, int]) -> int:
        inner = self._draft.inner.get(step.number)
        if isinstance(step.document, WorkflowStep):
            plan = self._draft.plans.get(step.number)
            return 0 if plan is None else certain_starts(plan.graph, self._memo)
        if inner is None:
            return 1
        certain = [self._certain(graph, counts) for graph in inner if self._draft.graphs[graph].role == "steps"]
        if certain:
            return certain[0]
        # Of the cases of a switch one is taken, or none.
        return 0

    def _certain(self, graph: int, counts: Mapping[int, int]) -> int:
        draft = self._draft
        sure: set[int] = set()
        total = 0
        for number in draft.orders[graph]:
            document = draft.steps[number].document
            if document.when is None and all(other in sure for other in upstream(draft, number)):
                if document.kind not in ("finish", "fail"):
                    sure.add(number)
                total += counts.get(number, 0)
        return total
