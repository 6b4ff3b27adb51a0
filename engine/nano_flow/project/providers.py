"""The state of the declared providers: keys found or missing, reachable or not, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nano_flow.core.messages import Json
from nano_flow.gateway.route import has_credentials
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.plan.credentials import chain_of

_UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class ProviderState:
    """One provider. ``reachable`` None: nobody asked. ``ways`` are the sets of variables that it takes."""

    name: str
    served_by: str
    credentials: str
    ways: tuple[tuple[str, ...], ...]
    models: tuple[str, ...]
    reachable: bool | None = None
    latency_s: float | None = None
    error: str = ""
    advice: str = ""
    platform: str = ""
    """Whose chain of credentials it is, where `credentials: default` says so."""

    @property
    def usable(self) -> bool:
        """Whether calls would go through, as far as one can tell."""
        return self.credentials != "missing" and self.reachable is not False and not self.error

    @property
    def credentials_text(self) -> str:
        """``found OPENAI_API_KEY``; names, never values."""
        names = " or ".join(" with ".join(way) for way in self.ways)
        if self.credentials == "default":
            return f"those of {self.platform}: default"
        return "not needed" if self.credentials == "not_needed" else f"{self.credentials} {names}"

    @property
    def reach_text(self) -> str:
        """``yes``, or what went wrong."""
        if self.reachable is None:
            return "not asked"
        return self.error or "yes"

    @property
    def latency_text(self) -> str:
        """Milliseconds."""
        return "" if self.latency_s is None else f"{self.latency_s * 1000:.0f} ms"

    def as_json(self) -> dict[str, Json]:
        """As in ``nano-flow/providers@1``."""
        return {
            "name": self.name,
            "credentials": self.credentials,
            "variables": [list(way) for way in self.ways],
            "reachable": self.reachable,
            "latency_ms": None if self.latency_s is None else round(self.latency_s * 1000, 1),
            "error": self.error or None,
            "advice": self.advice or None,
            "models": len(self.models),
        }


def provider_states(catalogue: Catalogue, environ: Mapping[str, str]) -> list[ProviderState]:
    """Every provider in the order of the document; nobody is asked."""
    return [_state(card, environ) for card in catalogue.providers.values()]


def _state(card: ProviderCard, environ: Mapping[str, str]) -> ProviderState:
    complete = [way for way in card.credentials if all(environ.get(name) for name in way)]
    needed = "found" if complete else "missing"
    found = "default" if card.platform else needed if card.credentials else "not_needed"
    return ProviderState(
        name=card.name,
        served_by=card.adapter or (f"api: {card.api}" if card.api else f"litellm: {card.litellm}"),
        credentials=found,
        ways=tuple(complete[:1]) or card.credentials,
        models=tuple(card.models),
        advice=f"set {' with '.join(card.credentials[0])}" if found == "missing" else "",
        platform=chain_of(card.service),
    )


async def check_providers(
    catalogue: Catalogue, environ: Mapping[str, str], names: Sequence[str] = (), timeout_s: float = 5.0
) -> list[ProviderState]:
    """Ask those that have their keys, three at a time; the others are told what is missing."""
    from nano_flow.clock import SystemClock
    from nano_flow.providers.probe import AT_ONCE, probe
    from nano_flow.providers.table import endpoint_of

    places = asyncio.Semaphore(AT_ONCE)

    async def one(card: ProviderCard) -> ProviderState:
        state = _state(card, environ)
        if card.adapter is not None:
            return _adapter_state(card, state)
        if not has_credentials(card, environ):
            return state
        async with places:
            found = await probe(endpoint_of(card, environ), SystemClock(), timeout_s)
        return replace(
            state, reachable=found.reachable, latency_s=found.latency_s, error=found.error, advice=found.advice
        )

    cards = [card for name, card in catalogue.providers.items() if not names or name in names]
    return list(await asyncio.gather(*(one(card) for card in cards)))


def _adapter_state(card: ProviderCard, state: ProviderState) -> ProviderState:
    """An adapter that is installed is there; who it talks to is its own affair."""
    from nano_flow.providers.table import FACTORIES, registered_adapters

    if card.adapter in FACTORIES or card.adapter in registered_adapters():
        return replace(state, reachable=True)
    message = f'the adapter "{card.adapter}" is not installed'
    return replace(state, reachable=False, error=message, advice="install the package that registers it")


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One declared model; ``credentials`` is whether its provider's keys are found."""

    card: ModelCard
    credentials: bool

    @property
    def name(self) -> str:
        """``provider/model``."""
        return str(self.card.ref)

    @property
    def window_text(self) -> str:
        """Tokens of context."""
        return _tokens(self.card.context_window)

    @property
    def output_text(self) -> str:
        """Tokens of the longest reply."""
        return _tokens(self.card.max_output_tokens)

    @property
    def can_text(self) -> str:
        """Abilities."""
        return _UNKNOWN if self.card.can is None else " ".join(sorted(self.card.can))

    @property
    def latency_text(self) -> str:
        """The prior."""
        return "" if self.card.total_s is None else f"{self.card.total_s:g} s"

    def as_json(self) -> dict[str, Json]:
        """As in ``nano-flow/models@1``."""
        card = self.card
        return {
            "model": self.name,
            "credentials": self.credentials,
            "context_window": card.context_window,
            "max_output_tokens": card.max_output_tokens,
            "can": None if card.can is None else [*sorted(card.can)],
            "refuses": [*sorted(card.refuses)],
            "deployment": card.deployment,
            "latency_s": {"first_token": card.first_token_s, "total": card.total_s},
            "priced_as": str(card.priced_as) if card.priced_as else None,
        }


def model_lines(catalogue: Catalogue, part: str, environ: Mapping[str, str]) -> list[ModelLine]:
    """The declared models whose name contains ``part``."""
    return [
        ModelLine(card, has_credentials(provider, environ))
        for provider in catalogue.providers.values()
        for card in provider.models.values()
        if part.lower() in str(card.ref).lower()
    ]


def _tokens(count: int | None) -> str:
    if count is None:
        return _UNKNOWN
    return f"{count // 1000}k" if count >= 1000 else str(count)
