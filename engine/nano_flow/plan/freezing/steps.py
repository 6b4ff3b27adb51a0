"""Planned steps: the spec of the kind, and what any step may say, with every default filled in."""

from __future__ import annotations

from nano_flow.core.money import money
from nano_flow.documents.steps import (
    OnErrorOutput,
    Placeable,
    RepeatDocument,
    RetryDocument,
    SettingUp,
    Step,
    StepBudgetDocument,
)
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.freezing.digest import step_digest
from nano_flow.plan.freezing.tagging import under_callers_tags
from nano_flow.plan.kinds.kind import Built, Fields, template
from nano_flow.plan.kinds.table import KINDS
from nano_flow.plan.plan import (
    PlannedBudget,
    PlannedForEach,
    PlannedRepeat,
    PlannedRetry,
    PlannedStep,
    TriggerRule,
)

ITEMS = 1000


def freeze_steps(draft: Draft) -> Built:
    """Every step of the file; inner steps have higher numbers and are built first."""
    built: dict[int, PlannedStep] = {}
    for step in reversed(draft.steps):
        planned = built[step.number] = _step(draft, step, built)
        # Nobody else has seen the step yet; ``dataclasses.replace`` would take a fifth of the whole compile.
        object.__setattr__(planned, "digest", step_digest(planned))
    return built


def _step(draft: Draft, step: DraftStep, built: Built) -> PlannedStep:
    document, fields = step.document, draft.fields[step.number]
    number = step.number
    return PlannedStep(
        id=step.id,
        path=step.path,
        kind=document.kind,
        spec=under_callers_tags(draft, step, KINDS[document.kind].freeze(draft, step, built)),
        where=draft.places[number],
        needs=tuple(draft.steps[other].id for other in draft.needs[number]),
        references=tuple(draft.steps[other].id for other in draft.references[number]),
        trigger_rule=trigger_rule(draft, step),
        when=template(fields.get("when")),
        for_each=_for_each(document, fields),
        repeat=_repeat(document.repeat, fields),
        retry=_retry(document.retry, fields),
        timeout_s=document.timeout,
        budget=_budget(document.budget),
        on_error="output" if isinstance(document.on_error, OnErrorOutput) else document.on_error or "fail",
        on_error_output=fields.get("on_error"),
        description=document.description,
        tags=draft.tags[number],
        inherit_tags=document.inherit_tags,
        setup=isinstance(document, SettingUp) and document.setup,
        runs_on=document.runs_on if isinstance(document, Placeable) else None,
    )


def trigger_rule(draft: Draft, step: DraftStep) -> TriggerRule:
    """As written; in a sequence a skipped step does not end it."""
    if step.document.trigger_rule is not None:
        return step.document.trigger_rule
    return "none_failed" if draft.graphs[step.graph].sequential else "all_success"


def _for_each(document: Step, fields: Fields) -> PlannedForEach | None:
    if document.for_each is None:
        return None
    return PlannedForEach(
        over=fields.get("for_each"),
        name=document.as_ or "item",
        max_parallel=document.max_parallel,
        max_items=document.max_items or ITEMS,
        on_item_failure=document.on_item_failure or "fail",
        rows=template(fields.get("for_each_file")),
    )


def _repeat(document: RepeatDocument | None, fields: Fields) -> PlannedRepeat | None:
    if document is None:
        return None
    until = template(fields.get("until"))
    return PlannedRepeat(until, document.max_iterations, document.every or 0.0, document.as_, document.on_exhausted)


def _retry(document: RetryDocument | None, fields: Fields) -> PlannedRetry | None:
    if document is None:
        return None
    return PlannedRetry(
        max_attempts=document.max_attempts,
        backoff=document.backoff,
        delay_s=1.0 if document.delay is None else document.delay,
        max_delay_s=60.0 if document.max_delay is None else document.max_delay,
        errors=tuple(document.errors or ()),
        when=template(fields.get("retry_when")),
    )


def _budget(document: StepBudgetDocument | None) -> PlannedBudget | None:
    if document is None:
        return None
    return PlannedBudget(None if document.usd is None else money(document.usd), document.tokens)
