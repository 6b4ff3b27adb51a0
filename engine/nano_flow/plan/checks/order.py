"""Order: steps that never run, rules that look at nothing, and writers that may run at the same time."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep, RunStep, Step, ToolStep
from nano_flow.documents.workflow import CommandTool
from nano_flow.plan.checks.inside import writes, writing_tools
from nano_flow.plan.checks.reach import check_reach
from nano_flow.plan.draft import Draft, DraftStep, problem
from nano_flow.plan.passes.cycles import upstream


def check_order(draft: Draft) -> Iterator[Diagnostic]:
    """Steps that are never reached are errors; the rest may be meant."""
    for step in draft.steps:
        yield from _rule(draft, step)
        yield from _never(draft, step)
    yield from check_reach(draft)
    writers = _writers(draft)
    for number in range(len(draft.graphs)):
        yield from _unordered(draft, number, writers)


def _rule(draft: Draft, step: DraftStep) -> Iterator[Diagnostic]:
    rule = step.document.trigger_rule
    if rule is not None and not upstream(draft, step.number):
        at = (*step.at, "trigger_rule")
        message = f'"{step.id}" waits for no step, so "trigger_rule" has nothing to look at'
        yield problem("NF326", message, draft.key(at), at=at, hint="add `needs`", severity="warning")


def _never(draft: Draft, step: DraftStep) -> Iterator[Diagnostic]:
    if step.document.when in (False, "false"):
        at = (*step.at, "when")
        yield problem("NF326", f'"{step.id}" never runs', draft.where(at), at=at, severity="warning")


def _writers(draft: Draft) -> set[int]:
    """Steps that run commands or write files, themselves or in what is inside them."""
    declared = (name for name, tool in (draft.document.tools or {}).items() if isinstance(tool, CommandTool))
    tools = writing_tools(declared)
    writers: set[int] = set()
    memo: dict[int, bool] = {}
    for step in reversed(draft.steps):
        inner = (number for graph in draft.inner.get(step.number, ()) for number in draft.graphs[graph].steps)
        plan = draft.plans.get(step.number)
        itself = writes(plan, memo) if plan is not None else _writes_itself(step.document, tools)
        if itself or any(number in writers for number in inner):
            writers.add(step.number)
    return writers


def _writes_itself(document: Step, tools: frozenset[str]) -> bool:
    if isinstance(document, PromptStep):
        return not tools.isdisjoint(document.tools or ())
    return isinstance(document, RunStep) or (isinstance(document, ToolStep) and document.tool in tools)


def _unordered(draft: Draft, graph: int, writers: set[int]) -> Iterator[Diagnostic]:
    """The first two writers without an order.

    In a topological order each writer must come after the one before it. Until one does not, the writers are a chain,
    so of all that a step comes after, the last one stands for the others.
    """
    if sum(number in writers for number in draft.graphs[graph].steps) < 2:
        return
    latest: dict[int, int] = {}
    chain: list[int] = []
    for number in draft.orders[graph]:
        latest[number] = max((latest[other] for other in upstream(draft, number)), default=-1)
        if number in writers:
            if chain and latest[number] < len(chain) - 1:
                yield _warning(draft, chain[-1], number)
                return
            latest[number] = len(chain)
            chain.append(number)


def _warning(draft: Draft, first: int, second: int) -> Diagnostic:
    one, other = sorted((draft.steps[first], draft.steps[second]), key=lambda step: step.number)
    message = f'"{one.id}" and "{other.id}" may run at the same time, and both run commands or write files'
    hint = f"write `needs: [{one.id}]`, or `sequential: true` above the steps, if one must come first"
    return problem("NF327", message, draft.key(other.at), at=other.at, hint=hint, severity="warning")
