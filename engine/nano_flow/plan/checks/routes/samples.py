"""Steps whose replies a cascade compares with further samples: the samples should be able to differ."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.draft import Draft, DraftStep, problem


def check_samples(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    """A temperature of 0, or a seed, under ``cascade.samples``."""
    routing, params = draft.context.routing, document.params
    if routing is None or routing.cascade is None or (routing.cascade.samples or 1) < 2 or params is None:
        return
    if (document.model or "auto") != "auto":
        return
    said = {"temperature": "temperature: 0"} if params.temperature == 0 else {}
    for name, text in {**said, **({"seed": "a seed"} if params.seed is not None else {})}.items():
        at = draft.written(step.number, "params", name)
        message = f"with {text} the samples that the cascade compares are nearly the same: they agree and say little"
        yield problem("NF349", message, draft.key(at), at=at, hint="leave it out", severity="warning")
