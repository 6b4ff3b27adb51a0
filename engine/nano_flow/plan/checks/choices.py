"""Choices: the options of an approval, the cases of a switch, classes of error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.messages import Json
from nano_flow.documents.steps import ApproveStep, SwitchStep
from nano_flow.plan.draft import Draft, DraftStep, problem
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.names.schema_shape import enum_of
from nano_flow.plan.names.scope import Scope
from nano_flow.plan.places import BODY

ERROR_CLASSES = (
    *("rate_limit", "overloaded", "server_error", "timeout", "connection", "context_window", "model_not_found"),
    *(
        "credentials",
        "quota",
        "length",
        "bad_request",
        "content_filter",
        "provider",
        "incomplete",
        "max_turns",
        "schema",
        "verify",
    ),
    *("command", "tool", "template", "condition", "switch", "for_each", "inputs", "outputs", "attachment"),
    *("exhausted", "fail", "limit", "budget", "error", "defect", "output_limit", "tool_loop"),
)
"""The classes that ``retry.errors`` may name; adapters from other packages may have more, so others are a warning."""


def check_choices(draft: Draft) -> Iterator[Diagnostic]:
    """Every approval and every switch."""
    scope = Scope(draft)
    for step in draft.steps:
        if step.document.retry is not None:
            yield from _retry(draft, step, step.document.retry.errors or ())
        if isinstance(step.document, ApproveStep):
            yield from _approve(draft, step, step.document)
        elif isinstance(step.document, SwitchStep):
            yield from _switch(draft, scope, step, step.document)


def _retry(draft: Draft, step: DraftStep, classes: Sequence[str]) -> Iterator[Diagnostic]:
    for position, name in enumerate(classes):
        if name not in ERROR_CLASSES:
            at = draft.written(step.number, "retry", "errors", position)
            message = f'no error of nano-flow itself has the class "{name}": nothing would be retried for it'
            near = did_you_mean(name, ERROR_CLASSES)
            yield problem("NF333", message, draft.where(at), at=at, hint=near, severity="warning")


def _approve(draft: Draft, step: DraftStep, document: ApproveStep) -> Iterator[Diagnostic]:
    ask = document.approve
    options = ask.options or ["approve", "reject"]
    for position, option in enumerate(options):
        if option in options[:position]:
            at = (*step.at, "approve", "options", position)
            yield problem("NF324", f'the option "{option}" stands twice', draft.where(at), at=at)
    if ask.on_timeout is None:
        return
    at = (*step.at, "approve", "on_timeout")
    if ask.on_timeout not in options:
        message = f'"{ask.on_timeout}" is none of the options {listed(options)}'
        yield problem("NF324", message, draft.where(at), at=at, hint=did_you_mean(ask.on_timeout, options))
    if ask.timeout is None:
        message = '"on_timeout" has no effect without "timeout"'
        yield problem("NF324", message, draft.key(at), at=at, hint="add `timeout: 24h`, or leave it out")


def _switch(draft: Draft, scope: Scope, step: DraftStep, document: SwitchStep) -> Iterator[Diagnostic]:
    values = enum_of(scope.shape_of(draft.fields[step.number].get("value"), BODY, step.number))
    if values is None:
        return
    names = [_name(value) for value in values]
    cases = document.switch.cases
    missing = [name for name in names if name not in cases]
    if missing and document.switch.default is None:
        at = (*step.at, "switch", "cases")
        message = f"the value may also be {listed(missing)}, and there is no case for that"
        yield problem("NF325", message, draft.key(at), at=at, hint="add the case, or a `default`")
    for case in cases:
        if case not in names:
            at = (*step.at, "switch", "cases", case)
            message = f'the case "{case}" is never taken: the value is one of {listed(names)}'
            near = did_you_mean(case, names)
            yield problem("NF325", message, draft.key(at), at=at, hint=near, severity="warning")


def _name(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
