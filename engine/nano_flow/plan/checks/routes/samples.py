"""Steps whose replies a cascade compares with further samples: the samples should be able to differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.draft import Draft, DraftStep, problem

if TYPE_CHECKING:
    from nano_flow.documents.routing import CascadeDocument, RoutingDocument


def _cascade(routing: RoutingDocument, policy: str) -> CascadeDocument | None:
    """The cascade of the named policy: its own, else the one of all."""
    named = (routing.policies or {}).get(policy)
    own = named.cascade if named is not None else None
    return routing.cascade if own is None else (routing.cascades or {}).get(own) if own else None


def check_samples(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    """A temperature of 0, or a seed, under ``cascade.samples``."""
    params = document.params
    if params is None or (document.model or "auto") != "auto":
        return
    routing = draft.context.routing
    cascade = _cascade(routing, document.policy or "default") if routing is not None else None
    if cascade is None or (cascade.samples or 1) < 2:
        return
    said = {"temperature": "temperature: 0"} if params.temperature == 0 else {}
    for name, text in {**said, **({"seed": "a seed"} if params.seed is not None else {})}.items():
        at = draft.written(step.number, "params", name)
        message = f"with {text} the samples that the cascade compares are nearly the same: they agree and say little"
        yield problem("NF349", message, draft.key(at), at=at, hint="leave it out", severity="warning")
