"""Steps that can never start because a ``finish`` or ``fail`` that they wait for ends the run, whatever happens."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.plan.draft import Draft, DraftStep, problem
from nano_flow.plan.freezing.steps import trigger_rule
from nano_flow.plan.passes.cycles import upstream
from nano_flow.plan.plan import TriggerRule

Way = Literal["success", "tolerated", "failed", "skipped"]
"""How a step may settle while the run goes on; a skip for a failure above counts as failed, as in joins."""
_ENDS = ("finish", "fail")
_FINE: frozenset[Way] = frozenset({"success", "tolerated"})
_NO_FAILURE: frozenset[Way] = frozenset({"success", "tolerated", "skipped"})
_ASKS_FOR_ALL = ("all_success", "none_failed", "none_failed_min_one_success")


def check_reach(draft: Draft) -> Iterator[Diagnostic]:
    """One error for each step that no course of events reaches, but would without the end of the run before it."""
    for graph, around in enumerate(draft.graphs):
        if not any(draft.steps[number].document.kind in _ENDS for number in around.steps):
            continue  # without one, only other mistakes keep a step from starting
        ways: dict[int, frozenset[Way]] = {}
        for number in draft.orders[graph]:
            step = draft.steps[number]
            ways[number] = _ways(draft, step, ways)
            blocker = None if _may_start(draft, step, ways) else _blocker(draft, step, ways)
            if blocker is not None:
                message = f'"{step.id}" is never reached: it waits for "{blocker.id}", which ends the run'
                hint = "leave the order out, or let another step decide whether the run ends"
                yield problem("NF332", message, draft.key(step.at), at=step.at, hint=hint)


def _ways(draft: Draft, step: DraftStep, known: Mapping[int, frozenset[Way]]) -> frozenset[Way]:
    """All ways in which ``step`` may settle without ending the run; more may be listed than can really happen."""
    document, ways = step.document, set[Way]()
    if _may_start(draft, step, known):
        ends = document.kind in _ENDS
        if not ends or document.for_each is not None:  # an empty list succeeds
            ways.add("success")
        if not ends or document.when is not None:  # a condition that cannot be evaluated fails its step
            ways.add(_failing(document.on_error))
        if document.when is not None:
            ways.add("skipped")
    looked_at = _looked_at(draft, step, known)
    if looked_at:
        ways.update(_unstarted(trigger_rule(draft, step), looked_at))
    return frozenset(ways)


def _failing(on_error: object) -> Way:
    if on_error in (None, "fail"):
        return "failed"
    return "tolerated" if on_error == "continue" else "success"


def _unstarted(rule: TriggerRule, looked_at: Collection[frozenset[Way]]) -> Iterator[Way]:
    """How a join settles a step that it does not admit."""
    if rule in (*_ASKS_FOR_ALL, "one_success") and any("failed" in ways for ways in looked_at):
        yield "failed"
    if rule == "all_success" and any("skipped" in ways for ways in looked_at):
        yield "skipped"
    if rule in ("one_success", "none_failed_min_one_success", "one_failed"):
        unwanted = _NO_FAILURE if rule == "one_failed" else frozenset({"skipped", "tolerated"})
        if all(ways & unwanted for ways in looked_at):
            yield "skipped"


def _may_start(draft: Draft, step: DraftStep, known: Mapping[int, frozenset[Way]]) -> bool:
    looked_at = _looked_at(draft, step, known)
    besides = [known[n] for n in upstream(draft, step.number) if n in known]
    return (not looked_at or _admits(trigger_rule(draft, step), looked_at)) and all(besides)


def _looked_at(draft: Draft, step: DraftStep, known: Mapping[int, frozenset[Way]]) -> list[frozenset[Way]]:
    numbers = draft.needs[step.number] or draft.references[step.number]
    return [known[number] for number in numbers if number in known]


def _admits(rule: TriggerRule, looked_at: Collection[frozenset[Way]]) -> bool:
    """Whether some course of the steps above lets a step start; the steps are taken to be independent."""
    if rule == "all_success":
        return all(ways & _FINE for ways in looked_at)
    if rule == "none_failed":
        return all(ways & _NO_FAILURE for ways in looked_at)
    if rule == "none_failed_min_one_success":
        return all(ways & _NO_FAILURE for ways in looked_at) and any("success" in ways for ways in looked_at)
    if rule == "one_success":
        return any("success" in ways for ways in looked_at)
    if rule == "one_failed":
        return any("failed" in ways for ways in looked_at)
    return all(looked_at)


def _blocker(draft: Draft, step: DraftStep, known: Mapping[int, frozenset[Way]]) -> DraftStep | None:
    """The ``finish`` or ``fail`` right above that keeps ``step`` from starting, if it is one."""
    fine: frozenset[Way] = frozenset({"success", "failed"})
    freed = {n: ways | fine if draft.steps[n].document.kind in _ENDS else ways for n, ways in known.items()}
    if not _may_start(draft, step, freed):
        return None
    return next((draft.steps[n] for n in upstream(draft, step.number) if draft.steps[n].document.kind in _ENDS), None)
