"""Choices: the options of an approval, the cases of a switch, classes of error."""

from __future__ import annotations

import json
from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.messages import Json
from nano_flow.documents.steps import ApproveStep, SwitchStep
from nano_flow.plan.draft import Draft, DraftStep, problem
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.names.schema_shape import enum_of
from nano_flow.plan.names.scope import Scope
from nano_flow.plan.places import BODY


def check_choices(draft: Draft) -> Iterator[Diagnostic]:
    """Every approval and every switch."""
    scope = Scope(draft)
    for step in draft.steps:
        if isinstance(step.document, ApproveStep):
            yield from _approve(draft, step, step.document)
        elif isinstance(step.document, SwitchStep):
            yield from _switch(draft, scope, step, step.document)


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
