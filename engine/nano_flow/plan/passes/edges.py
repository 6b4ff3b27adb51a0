"""Edges: what ``needs`` names, what templates refer to, and, under ``sequential``, the step above."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.documents.steps import PromptStep
from nano_flow.plan.draft import MOST_ERRORS, Draft, DraftGraph, DraftStep, Found, Path, problem
from nano_flow.plan.names.nearest import did_you_mean


def connect(draft: Draft) -> tuple[Draft, Found]:
    """Both kinds of edges between siblings, as numbers of steps."""
    found: Found = []
    needs: list[tuple[int, ...]] = [()] * len(draft.steps)
    for graph in draft.graphs:
        above: int | None = None
        for number in graph.steps:
            needs[number] = _needs(draft, graph, draft.steps[number], above, found)
            above = number if graph.sequential else None
    return replace(draft, needs=needs, references=_references(draft)), found


def _needs(draft: Draft, graph: DraftGraph, step: DraftStep, above: int | None, found: Found) -> tuple[int, ...]:
    declared = step.document.needs or ()
    if not declared:
        return () if above is None else (above,)
    numbers: dict[int, None] = {}
    for position, name in enumerate(declared):
        number = graph.ids.get(name)
        if number is None and len(found) < MOST_ERRORS:
            at: Path = (*step.at, "needs", position)
            message, hint = _unknown(draft, graph, step, name)
            found.append(problem("NF302", message, draft.where(at), at=at, hint=hint))
        elif number is not None:
            numbers[number] = None
    if above is not None:
        numbers[above] = None
    return tuple(numbers)


def _unknown(draft: Draft, graph: DraftGraph, step: DraftStep, name: str) -> tuple[str, str]:
    if graph.role == "case":
        message = f'"{step.id}" needs "{name}", but a case has no step beside it'
        return message, "write `needs` at the step that holds the `switch`"
    outer = graph.outer
    while outer is not None:
        if name in draft.graphs[outer].ids:
            owner = graph.owner
            around = f'"{draft.steps[owner].id}"' if owner is not None else "the handlers"
            message = f'"{step.id}" needs "{name}", which stands outside of {around}'
            return message, "`needs` names steps beside this one; write it at the group"
        outer = draft.graphs[outer].outer
    inside = next((other for other in draft.steps if other.id == name and other.case is None), None)
    message = f'"{step.id}" needs "{name}", but there is no such step beside it'
    if inside is not None and (owner := draft.graphs[inside.graph].owner) is not None:
        return message, f'it stands inside "{draft.steps[owner].id}": need that'
    return message, did_you_mean(name, graph.ids)


def _references(draft: Draft) -> list[tuple[int, ...]]:
    upstream: list[dict[int, None]] = [{} for _ in draft.steps]
    for number, targets in draft.touched.items():
        for target in targets:
            _wait(draft, upstream, number, target)
    for step in draft.steps:
        if isinstance(step.document, PromptStep) and step.document.conversation is not None:
            other = draft.graphs[step.graph].ids.get(step.document.conversation)
            if other is not None and other != step.number:
                upstream[step.number][other] = None
    return [tuple(sorted(numbers)) for numbers in upstream]


def _wait(draft: Draft, upstream: list[dict[int, None]], step: int, target: int) -> None:
    """A reference from inside a group makes the group wait: the edge ends at the step beside ``target``."""
    graph = draft.steps[target].graph
    for around in draft.ancestors(step):
        if draft.steps[around].graph == graph:
            if around != target:
                upstream[around][target] = None
            return
