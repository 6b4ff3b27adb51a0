"""Which providers and models there are, which keys are found, and who answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.money import Unpriced
from nano_flow.operations.place import Place
from nano_flow.project.oversights.retiring import Retiring, retiring
from nano_flow.project.policies import read_policies
from nano_flow.project.providers import ModelLine, ProviderState, check_providers, model_lines, provider_states

__all__ = [
    "ModelLine",
    "PriceMove",
    "ProviderState",
    "Retiring",
    "ask_providers",
    "limits_text",
    "models_of",
    "price_moves",
    "providers_of",
    "retiring_models",
]
_DAY = 86_400.0
_BACK_DAYS, _AHEAD_DAYS = 30, 60


@dataclass(frozen=True, slots=True)
class PriceMove:
    """A declared model whose price changed lately, or will; ``at`` is when, in seconds since 1970."""

    model: str
    at: float


def providers_of(place: Place, workflow: Path | None = None) -> list[ProviderState]:
    """The providers of providers.yaml, and whether the variables with their keys are set. Nobody is asked."""
    return provider_states(read_policies(place.policy(workflow)).catalogue, place.environ)


def ask_providers(
    place: Place, names: Sequence[str] = (), timeout: float = 5.0, workflow: Path | None = None
) -> list[ProviderState]:
    """Ask each provider that has a key, or those of ``names``, one cheap question. Raises UsageError; blocks."""
    catalogue = read_policies(place.policy(workflow)).catalogue
    unknown = [name for name in names if name not in catalogue.providers]
    if unknown:
        raise UsageError(f'there is no provider "{unknown[0]}"; providers are: {", ".join(catalogue.providers)}')
    return asyncio.run(check_providers(catalogue, place.environ, tuple(names), timeout))


def retiring_models(place: Place, now: float) -> list[Retiring]:
    """The declared models that are retired, or will be soon."""
    return list(retiring(read_policies(place.policy()).catalogue, datetime.fromtimestamp(now, UTC).date()))


def price_moves(place: Place, now: float) -> list[PriceMove]:
    """The declared models whose price changed in the last 30 days, or changes in the next 60, by pricing.yaml."""
    policies = read_policies(place.policy())
    moments = (now - _BACK_DAYS * _DAY, now, now + _AHEAD_DAYS * _DAY)
    found = []
    for provider in policies.catalogue.providers.values():
        for card in provider.models.values():
            entries = [policies.prices.entry(card.ref, at) for at in moments]
            starts = [entry.starts for entry in entries if not isinstance(entry, Unpriced)]
            found += [PriceMove(str(card.ref), at) for at in sorted(set(starts[1:]) - set(starts[:1]))]
    return found


def limits_text(line: ModelLine) -> str:
    """The pace that providers.yaml declares for a model, in words; empty for none."""
    card = line.card
    parts = ((card.rpm, "calls a minute"), (card.tpm, "tokens a minute"), (card.in_flight, "at a time"))
    return ", ".join(f"{number:,} {words}" for number, words in parts if number is not None)


def models_of(place: Place, name: str = "", workflow: Path | None = None) -> list[ModelLine]:
    """The declared models whose provider/model contains ``name``. Raises UsageError where none does."""
    lines = model_lines(read_policies(place.policy(workflow)).catalogue, name, place.environ)
    if name and not lines:
        raise UsageError(f'no declared model has "{name}" in its name; "nano-flow providers models" shows all')
    return lines
