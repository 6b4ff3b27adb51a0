"""What an adapter has to know of its provider and models; the plan's cards have this form."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Protocol

from nano_flow.core.refs import ModelRef


class ModelFacts(Protocol):
    """One model. ``can`` None: nobody knows."""

    @property
    def ref(self) -> ModelRef:
        """Its name here."""

    @property
    def context_window(self) -> int | None:
        """Tokens of prompt and reply together."""

    @property
    def can(self) -> Set[str] | None:
        """Its abilities."""

    @property
    def refuses(self) -> Set[str]:
        """Parameters that must not be sent."""

    @property
    def one_of(self) -> Set[str]:
        """Parameters of which a call may carry only one."""

    @property
    def renames(self) -> Mapping[str, str]:
        """Parameter of ours → the provider's name for it."""

    @property
    def deployment(self) -> str | None:
        """The name to send instead of the model's."""


class ProviderFacts(Protocol):
    """One provider as ``providers.yaml`` declares it, variables unexpanded."""

    @property
    def name(self) -> str:
        """Its name here."""

    @property
    def litellm(self) -> str | None:
        """LiteLLM's id of it."""

    @property
    def api(self) -> str | None:
        """The language of its servers where no library stands between."""

    @property
    def service(self) -> str:
        """The kind of its servers by LiteLLM's id of it, however they are reached."""

    @property
    def adapter(self) -> str | None:
        """``sim``, or the registered name of an entry point."""

    @property
    def credentials(self) -> tuple[tuple[str, ...], ...]:
        """Sets of variables; any complete one will do."""

    @property
    def roles(self) -> tuple[Mapping[str, str], ...]:
        """For each of ``credentials``: part (``api_key``, ``endpoint`` …) → variable."""

    @property
    def platform(self) -> bool:
        """Whether the chain of the platform itself gives the credentials."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Sent with every call, as written."""

    @property
    def settings(self) -> Mapping[str, str]:
        """``base_url``, ``region`` …, as written."""

    @property
    def models(self) -> Mapping[str, ModelFacts]:
        """The declared models."""

    @property
    def extra(self) -> Mapping[str, object]:
        """Options of an adapter of its own."""


@dataclass(frozen=True, slots=True)
class UnknownModel:
    """A model that an open provider takes and nobody declared."""

    ref: ModelRef
    context_window: int | None = None
    can: Set[str] | None = None
    refuses: Set[str] = frozenset()
    renames: Mapping[str, str] = field(default_factory=dict)
    deployment: str | None = None
    one_of: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider ready to be called: settings expanded, ``keys`` the variables of its credentials with their values.

    ``litellm`` is LiteLLM's id of the service, also where ``api`` says that no library stands between. ``parts`` are
    the values of ``keys`` by what they are for; with ``platform`` the chain of the platform gives them.
    """

    name: str
    litellm: str
    settings: Mapping[str, str]
    keys: Mapping[str, str]
    models: Mapping[str, ModelFacts]
    parts: Mapping[str, str] = field(default_factory=dict)
    platform: bool = False
    api: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return (*self.keys.values(), *self.headers.values())

    def part(self, name: str) -> str:
        """The declared value that plays this part, or nothing."""
        return self.parts.get(name, "")

    @property
    def key(self) -> str:
        """The key, or the bearer token in its place; nothing where none is declared."""
        return self.part("api_key") or self.part("token")

    @property
    def address(self) -> str:
        """``base_url``, else the address among the credentials, or nothing: the provider's own."""
        return self.setting("base_url") or self.part("endpoint")

    def setting(self, name: str) -> str:
        """A setting, or nothing."""
        return self.settings.get(name, "")

    def model(self, ref: ModelRef) -> ModelFacts:
        """What is known of ``ref``."""
        return self.models.get(ref.model) or UnknownModel(ref)


_TELL_USAGE = frozenset({"anthropic", "bedrock", "gemini", "vertex_ai", "cohere", "ollama", "ollama_chat"})
"""LiteLLM ids of services whose streams end with what the call used, unasked."""


def streams(card: ModelFacts) -> bool:
    """Whether calls of a model are streamed, whoever looks on; those of one whose abilities nobody knows are not."""
    return card.can is not None and "streaming" in card.can


def asks_for_usage(card: ModelFacts, service: str) -> bool:
    """Whether a stream is asked for what the call used: where the card says that the server understands that."""
    return service in _TELL_USAGE or (card.can is not None and "stream_usage" in card.can)
