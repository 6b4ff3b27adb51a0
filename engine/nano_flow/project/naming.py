"""Whether the model and the provider that a run is told to use exist, before anything is started."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nano_flow.core.errors import UsageError
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.project.policies import Policies

_DATE = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


def full_name(model: str | None, provider: str | None, policies: Policies) -> str | None:
    """``model`` as routing takes it: what is no tier is a model of ``provider``.

    UsageError where one of them is nowhere declared, with the nearest name, or where they contradict each other.
    """
    catalogue = policies.catalogue
    if provider is not None:
        _check_provider(provider, catalogue)
    tiers = [tier.name for tier in policies.routing.tiers]
    if model is None or model in ("auto", *tiers, *catalogue.aliases):
        return model
    if provider is not None and "/" not in model:
        model = f"{provider}/{model}"
    model = _dated(model, catalogue)
    _check(model, tiers, catalogue)
    if provider not in (None, ModelRef.parse(model).provider):
        raise UsageError(f'"{model}" is no model of the provider "{provider}": leave one of the two out')
    return model


def _check(model: str, tiers: Sequence[str], catalogue: Catalogue) -> None:
    if "/" in model:
        _check_model(model, catalogue)
    else:
        full = next((f"{p.name}/{model}" for p in catalogue.providers.values() if model in p.models), "")
        hint = f'write "{full}"' if full else did_you_mean(model, ["auto", *tiers, *_models(catalogue)])
        raise UsageError(_with(f'there is no tier "{model}": there are {listed(tiers)}, or provider/model', hint))


def _dated(model: str, catalogue: Catalogue) -> str:
    """A model that is named as its provider names it (``claude-3-haiku-20240307``), by its name here."""
    provider, _, name = model.rpartition("/")
    cards = [card for found in catalogue.providers.values() for card in found.models.values()]
    if any(card.ref.model == name for card in cards):
        return model
    undated = _DATE.sub("", name)
    ours = [card for card in cards if provider in ("", card.ref.provider)]
    named = [card for card in ours if card.deployment == name]
    named += [card for card in ours if card.ref.model == undated != name]
    return str(named[0].ref) if named else model


def _models(catalogue: Catalogue) -> Iterator[str]:
    return (name for provider in catalogue.providers.values() for name in provider.models)


def _check_provider(name: str, catalogue: Catalogue) -> None:
    if name not in catalogue.providers:
        message = f'there is no provider "{name}": providers.yaml has {listed(catalogue.providers)}'
        raise UsageError(_with(message, did_you_mean(name, catalogue.providers)))


def _check_model(name: str, catalogue: Catalogue) -> None:
    try:
        ref = ModelRef.parse(name)
    except ValueError:
        raise UsageError(f'"{name}" is no model: expected provider/model, such as openai/gpt-5-mini') from None
    _check_provider(ref.provider, catalogue)
    if catalogue.model(ref) is None:
        models = catalogue.providers[ref.provider].models
        message = f'the provider "{ref.provider}" has no model "{ref.model}": it has {listed(models)}'
        raise UsageError(_with(message, did_you_mean(ref.model, models) or "declare it in providers.yaml"))


def _with(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
