"""Models that nobody declared, and that an open provider takes all the same."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.checks.routes.model_names import card_of
from nano_flow.plan.draft import Draft, problem
from nano_flow.plan.names.nearest import did_you_mean


def undeclared_models(draft: Draft) -> Iterator[Diagnostic]:
    """A model under ``open: true`` that is none of the declared ones: a misspelt name fails at run time only."""
    for step in draft.steps:
        if not isinstance(step.document, PromptStep) or not step.document.model:
            continue
        card = card_of(draft, step.document.model)
        if card is None or card.declared:
            continue
        provider = draft.context.catalogue.providers[card.ref.provider]
        if provider.adapter == "sim":
            continue
        at = draft.written(step.number, "model")
        message = f'"{card.ref}" is not declared: "{provider.name}" takes any name, so nothing is known of this model'
        hint = did_you_mean(card.ref.model, provider.models) or f"declare it under {provider.name} in providers.yaml"
        yield problem("NF353", message, draft.where(at), at=at, hint=hint, severity="warning")
