"""Whether a name of a model, tier, policy, provider or chain exists, and which one was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.refs import ModelRef
from nano_flow.plan.draft import Draft, Path, problem
from nano_flow.plan.names.nearest import did_you_mean, listed

if TYPE_CHECKING:
    from nano_flow.plan.catalogue import ModelCard


def unknown_model(draft: Draft, name: str, at: Path) -> Iterator[Diagnostic]:
    """A diagnostic where ``name`` is neither ``auto``, a tier, nor a model of a provider."""
    if name == "auto" or name in draft.context.catalogue.aliases or "{{" in name:
        return
    if "/" in name:
        yield from unknown_ref(draft, name, at)
    elif (routing := draft.context.routing) is not None and name not in routing.tiers:
        catalogue = draft.context.catalogue
        full = next((f"{p.name}/{name}" for p in catalogue.providers.values() if name in p.models), "")
        words = [*routing.tiers, *catalogue.aliases]
        hint = f'write "{full}"' if full else did_you_mean(name, ["auto", *words, *_models(draft)])
        message = f'there is no tier "{name}": expected auto, provider/model or one of {listed(words)}'
        yield problem("NF342", message, draft.where(at), at=at, hint=hint)


def _models(draft: Draft) -> Iterator[str]:
    return (name for provider in draft.context.catalogue.providers.values() for name in provider.models)


def unknown_ref(draft: Draft, name: str, at: Path) -> Iterator[Diagnostic]:
    """A diagnostic where ``name`` is no model that a provider serves."""
    catalogue = draft.context.catalogue
    try:
        ref = ModelRef.parse(name)
    except ValueError:
        message = f'"{name}" is no model: expected provider/model, such as openai/gpt-5-mini'
        yield problem("NF341", message, draft.where(at), at=at)
        return
    provider = catalogue.providers.get(ref.provider)
    if provider is None:
        message = f'there is no provider "{ref.provider}": providers.yaml has {listed(catalogue.providers)}'
        near = did_you_mean(ref.provider, catalogue.providers)
        yield problem("NF341", message, draft.where(at), at=at, hint=near)
    elif catalogue.model(ref) is None:
        message = f'the provider "{ref.provider}" has no model "{ref.model}": it has {listed(provider.models)}'
        hint = did_you_mean(ref.model, provider.models) or "declare it in providers.yaml"
        yield problem("NF341", message, draft.where(at), at=at, hint=hint)


def card_of(draft: Draft, name: str) -> ModelCard | None:
    """The card of the model that ``name`` is, where it is one that a provider serves."""
    name = draft.context.catalogue.aliases.get(name, (name,))[0]
    provider, _, model = name.partition("/")
    return draft.context.catalogue.model(ModelRef(provider, model)) if provider and model else None


def unknown_name(draft: Draft, what: str, name: str, known: Collection[str], at: Path) -> Iterator[Diagnostic]:
    """A diagnostic where ``name`` is none of ``known``."""
    if name not in known:
        message = f'there is no {what} "{name}": there are {listed(known)}'
        yield problem("NF348", message, draft.where(at), at=at, hint=did_you_mean(name, known))
