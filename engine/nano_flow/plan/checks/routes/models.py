"""Models, tiers, policies and providers that steps name: they exist, and a named model takes what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.agent import JudgeVerify
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.checks.routes.fallbacks import check_fallback
from nano_flow.plan.checks.routes.model_names import card_of, unknown_model, unknown_name
from nano_flow.plan.checks.routes.routed import check_routed, promptable
from nano_flow.plan.checks.routes.samples import check_samples
from nano_flow.plan.draft import Draft, DraftStep, Path, problem

if TYPE_CHECKING:
    from nano_flow.plan.catalogue import ModelCard

_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


def check_models(draft: Draft) -> Iterator[Diagnostic]:
    """Every prompt step."""
    for step in draft.steps:
        if isinstance(step.document, PromptStep):
            yield from _step(draft, step, step.document)


def _step(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    if document.model is not None:
        at = draft.written(step.number, "model")
        yield from unknown_model(draft, document.model, at)
        yield from _pinned(draft, step, document, at)
        yield from _retiring(draft, document.model, at)
    if pinned_model(draft, document) is None:
        yield from check_routed(draft, step, document)
    if document.policy is not None or document.provider is not None:
        yield from _restrictions(draft, step, document)
    if document.fallback is not None and document.fallback is not False:
        yield from check_fallback(draft, step, document)
    yield from check_samples(draft, step, document)
    for position, entry in enumerate(document.verify or ()):
        if isinstance(entry, JudgeVerify) and entry.model is not None:
            yield from unknown_model(draft, entry.model, draft.written(step.number, "verify", position, "model"))


def pinned_model(draft: Draft, document: PromptStep) -> ModelCard | None:
    """The card of the model that the step names, where it names one that exists."""
    return None if document.model is None else card_of(draft, document.model)


def _pinned(draft: Draft, step: DraftStep, document: PromptStep, at: Path) -> Iterator[Diagnostic]:
    card = pinned_model(draft, document)
    if card is None:
        return
    provider = card.ref.provider
    if document.provider is not None and provider not in document.provider:
        message = f'the step wants "{card.ref}", but "provider" admits only {", ".join(document.provider)}'
        yield problem("NF348", message, draft.where(at), at=at, hint="leave one of the two out")
    yield from _refused(draft, step, document, card)
    if card.can is not None and draft.context.catalogue.providers[provider].adapter != "sim":
        yield from _abilities(draft, step, document, card)


def _retiring(draft: Draft, name: str, at: Path) -> Iterator[Diagnostic]:
    card = card_of(draft, name)
    said = draft.context.retires(card.ref) if card is not None else ""
    if said:
        yield problem("NF556", said, draft.where(at), at=at, hint="name a model that stays", severity="warning")


def _refused(draft: Draft, step: DraftStep, document: PromptStep, card: ModelCard) -> Iterator[Diagnostic]:
    if document.params is None:
        return
    together = sorted(document.params.model_fields_set & card.one_of)
    if len(together) > 1:
        at = draft.written(step.number, "params", together[-1])
        message = f'"{card.ref}" takes only one of {" and ".join(together)}'
        yield problem("NF343", message, draft.key(at), at=at, hint="leave one of them out")
    for name in sorted(document.params.model_fields_set & card.refuses):
        at = draft.written(step.number, "params", name)
        message = f'"{card.ref}" does not take "{name}"'
        yield problem("NF343", message, draft.key(at), at=at, hint="leave it out, or route the step (`model: auto`)")


def _abilities(draft: Draft, step: DraftStep, document: PromptStep, card: ModelCard) -> Iterator[Diagnostic]:
    can = card.can or frozenset()
    for ability, key in promptable(document).items():
        if ability not in can:
            at = draft.written(step.number, key)
            message = f'"{card.ref}" lacks the ability "{ability}": it is asked for in the prompt instead'
            yield problem("NF344", message, draft.key(at), at=at, severity="warning")
    images = [i for i, name in enumerate(document.attachments or ()) if name.lower().endswith(_IMAGES)]
    if images and "vision" not in can:
        at = draft.written(step.number, "attachments", images[0])
        message = f'"{card.ref}" lacks the ability "vision" and cannot see this image'
        yield problem("NF344", message, draft.where(at), at=at, hint="name a model that sees, or `model: auto`")


def _restrictions(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    routing = draft.context.routing
    if document.policy is not None and routing is not None:
        policies = {"default": None, **(routing.policies or {})}
        at = draft.written(step.number, "policy")
        yield from unknown_name(draft, "policy", document.policy, policies, at)
    for position, name in enumerate(document.provider or ()):
        at = draft.written(step.number, "provider", position)
        yield from unknown_name(draft, "provider", name, draft.context.catalogue.providers, at)
