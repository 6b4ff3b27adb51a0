"""Defaults: what the steps of this file do not say themselves. They never reach groups, approvals or other files."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.documents.steps import PromptStep, RunStep, Step, ToolStep
from nano_flow.plan.draft import Draft, DraftStep, Found


def apply_defaults(draft: Draft) -> tuple[Draft, Found]:
    """Put every key of ``defaults`` into the prompt steps that lack it, and the timeout into commands and tools too."""
    defaults = draft.document.defaults
    if defaults is None:
        return draft, []
    given = {name: value for name in defaults.model_fields_set if (value := getattr(defaults, name)) is not None}
    timeout = {name: value for name, value in given.items() if name == "timeout"}
    return replace(draft, steps=[_with_defaults(step, given, timeout) for step in draft.steps]), []


def _with_defaults(step: DraftStep, given: dict[str, object], timeout: dict[str, object]) -> DraftStep:
    if isinstance(step.document, PromptStep):
        return _merged(step, step.document, given)
    if timeout and isinstance(step.document, RunStep | ToolStep):
        return _merged(step, step.document, timeout)
    return step


def _merged(step: DraftStep, document: Step, given: dict[str, object]) -> DraftStep:
    missing = {name: value for name, value in given.items() if name not in document.model_fields_set}
    return replace(step, document=document.model_copy(update=missing)) if missing else step
