"""The providers and models that documents declare, resolved: ``like:`` inherited, variables still unexpanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nano_flow.core.refs import ModelRef


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of one model. ``can`` None: unknown (an undeclared model of an open provider)."""

    ref: ModelRef
    context_window: int | None = None
    max_output_tokens: int | None = None
    can: frozenset[str] | None = None
    refuses: frozenset[str] = frozenset()
    renames: Mapping[str, str] = field(default_factory=dict)
    """Parameter of ours → the provider's name for it."""
    first_token_s: float | None = None
    total_s: float | None = None
    deployment: str | None = None
    """The name to send instead of the model's."""
    priced_as: ModelRef | None = None
    """Whose prices and tokenizer apply (``like:``); None is its own."""
    declared: bool = True
    rpm: int | None = None
    tpm: int | None = None
    in_flight: int | None = None
    timeout_s: float | None = None
    first_token_timeout_s: float | None = None
    strength: float | None = None
    """What it is able for, 0 to 10, as declared."""
    retires: str | None = None
    """The day from which on it is not served any more."""
    one_of: frozenset[str] = frozenset()
    """Parameters of which a call may carry only one."""


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """One provider. ``credentials``: any of these sets of environment variables suffices; empty needs none.

    ``settings`` holds ``base_url``, ``region``, ``project``, ``api_version`` … as written (``${VAR:-default}``).
    """

    name: str
    litellm: str | None
    adapter: str | None
    credentials: tuple[tuple[str, ...], ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    rpm: int | None = None
    tpm: int | None = None
    in_flight: int | None = None
    timeout_s: float | None = None
    first_token_timeout_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every call, as written."""
    open: bool = False
    models: Mapping[str, ModelCard] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    """Options of an adapter of its own (``sim``: seed, latency, error_rate, faults, script)."""
    roles: tuple[Mapping[str, str], ...] = ()
    """For each of ``credentials``: part (``api_key``, ``endpoint`` …) → variable."""
    api: str | None = None
    """The language of its servers where no library stands between (``openai``, ``anthropic``, ``gemini``)."""
    platform: bool = False
    """The chain of the platform itself gives the credentials (``credentials: default``)."""

    @property
    def service(self) -> str:
        """The kind of its servers by LiteLLM's id of it, however they are reached; empty for an adapter of its own."""
        if self.api == "openai" and self.settings.get("api_version"):
            return "azure"
        if self.api == "gemini" and (self.settings.get("project") or self.settings.get("location")):
            return "vertex_ai"
        return self.litellm or self.api or ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All providers in force."""

    providers: Mapping[str, ProviderCard]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A name of the user's → the model that it means, and those that follow it after a failure."""

    def model(self, ref: ModelRef) -> ModelCard | None:
        """The card of ``ref``; an undeclared model of an open provider gets an empty card; else None."""
        provider = self.providers.get(ref.provider)
        if provider is None:
            return None
        card = provider.models.get(ref.model)
        if card is None and provider.open:
            return ModelCard(ref, declared=False)
        return card
