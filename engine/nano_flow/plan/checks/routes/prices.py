"""Prices: under a budget, a step whose models nobody can price is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic, Severity
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.checks.routes.model_names import card_of
from nano_flow.plan.draft import Draft, DraftStep, problem

if TYPE_CHECKING:
    from nano_flow.plan.catalogue import ModelCard


def check_prices(draft: Draft) -> Iterator[Diagnostic]:
    """Every prompt step that names a model or a tier while a budget in dollars is in force."""
    for step in draft.steps:
        model = step.document.model if isinstance(step.document, PromptStep) else None
        if model not in (None, "auto") and _under_budget(draft, step):
            yield from _step(draft, step, model or "")


def _under_budget(draft: Draft, step: DraftStep) -> bool:
    budgets = (draft.steps[number].document.budget for number in draft.ancestors(step.number))
    return draft.under_budget or any(budget is not None and budget.usd is not None for budget in budgets)


def _step(draft: Draft, step: DraftStep, model: str) -> Iterator[Diagnostic]:
    routing = draft.context.routing
    names = [model] if "/" in model else list(routing.tiers[model].models) if routing and model in routing.tiers else []
    cards = [card for name in names if (card := card_of(draft, name)) is not None]
    if not cards or any(_priced(draft, card) for card in cards):
        return
    at = draft.written(step.number, "model")
    what = f'"{model}" has no price' if "/" in model else f'no model of the tier "{model}" has a price'
    message = f"{what}: under a budget it is not asked"
    severity: Severity = "warning" if draft.context.unpriced_models_pass else "error"
    if severity == "warning":
        message = f"{what}: what it costs does not count against the budget"
    hint = "add it to pricing.yaml, or say `unknown: warn` there"
    yield problem("NF345", message, draft.where(at), at=at, hint=hint, severity=severity)


def _priced(draft: Draft, card: ModelCard) -> bool:
    is_priced = draft.context.is_priced
    return is_priced(card.ref) or (card.priced_as is not None and is_priced(card.priced_as))
