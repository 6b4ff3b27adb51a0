"""The document of providers: where models are served, what they can do, how fast calls may be sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from nano_flow.documents.common import (
    Day,
    Document,
    Duration,
    Identifier,
    Items,
    LanguageVersion,
    Maybe,
    Name,
    PlainData,
    Text,
    Timeout,
    TokenCount,
)

Ability = Literal[
    "tools",
    "parallel_tools",
    "json_schema",
    "json_object",
    "vision",
    "audio",
    "documents",
    "reasoning",
    "streaming",
    "stream_usage",
    "prompt_caching",
    "system_prompt",
    "batch",
]
_ONE_SERVICE: JsonDict = {"oneOf": [{"required": ["api"]}, {"required": ["litellm"]}, {"required": ["adapter"]}]}


ModelName = Annotated[str, Field(pattern=r"^[^/\s]+/\S+$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]


class ProviderLimitsDocument(Document):
    """The pace of calls, kept before they are sent."""

    rpm: Maybe[TokenCount] = None
    """Requests per minute."""
    tpm: Maybe[TokenCount] = None
    """Tokens per minute."""
    in_flight: Maybe[Annotated[int, Field(ge=1, le=100_000)]] = None
    """Calls at the same time."""


class LatencyDocument(Document):
    """What to expect before anything was measured."""

    first_token: Maybe[Duration] = None
    """Until the first token."""
    total: Maybe[Duration] = None
    """Until the end of a usual reply."""


ParameterName = Literal[
    "temperature",
    "top_p",
    "seed",
    "stop",
    "reasoning_effort",
    "verbosity",
    "tool_choice",
    "max_output_tokens",
    "max_tokens",
]


class ModelParamsDocument(Document):
    """Which parameters a model refuses, and what it calls the others."""

    refuses: Maybe[Items[ParameterName]] = None
    """Parameters that must not be sent."""
    one_of: Maybe[Annotated[Items[ParameterName], Field(min_length=2)]] = None
    """Parameters of which a call may carry only one: `[temperature, top_p]`."""
    max_output_tokens: Maybe[Text] = None
    """The model's name for it."""
    temperature: Maybe[Text] = None
    """The model's name for it."""
    top_p: Maybe[Text] = None
    """The model's name for it."""
    seed: Maybe[Text] = None
    """The model's name for it."""
    stop: Maybe[Text] = None
    """The model's name for it."""
    reasoning_effort: Maybe[Text] = None
    """The model's name for it."""
    verbosity: Maybe[Text] = None
    """The model's name for it."""
    tool_choice: Maybe[Text] = None
    """The model's name for it."""


class ModelDocument(Document):
    """One model."""

    description: Maybe[str] = None
    """For people."""
    context_window: Maybe[TokenCount] = None
    """Tokens of prompt and reply together."""
    max_output_tokens: Maybe[TokenCount] = None
    """The longest reply."""
    can: Maybe[Items[Ability]] = None
    """Abilities; where it is absent they are unknown."""
    params: Maybe[ModelParamsDocument] = None
    """Parameters it refuses or names differently."""
    latency: Maybe[LatencyDocument] = None
    """A prior, replaced by what is measured."""
    deployment: Maybe[Text] = None
    """The name to send instead of the model's."""
    limits: Maybe[ProviderLimitsDocument] = None
    """The pace of its own calls, beside its provider's."""
    timeout: Maybe[Timeout] = None
    """Of one call; instead of its provider's."""
    first_token_timeout: Maybe[Timeout] = None
    """Until the first piece of a reply comes; instead of its provider's."""
    strength: Maybe[Annotated[float, Field(ge=0, le=10)]] = None
    """What it is able for, 0 to 10, beside the `strength` of tiers."""
    retires: Maybe[Day] = None
    """The day from which on it is not served any more; nano-flow warns 60 days before."""
    like: Maybe[Annotated[str, Field(pattern=r"^[^/\s]+/\S+$")]] = None
    """provider/model whose window, abilities, parameters and price it inherits."""


class CredentialsDocument(Document):
    """Which environment variable plays which part."""

    api_key: Maybe[Identifier] = None
    """The key."""
    token: Maybe[Identifier] = None
    """A bearer token in place of a key."""
    access_key: Maybe[Identifier] = None
    """AWS: the id of an access key."""
    secret_key: Maybe[Identifier] = None
    """AWS: its secret."""
    session_token: Maybe[Identifier] = None
    """AWS: the token of temporary keys."""
    profile: Maybe[Identifier] = None
    """AWS: the name of a profile."""
    service_account: Maybe[Identifier] = None
    """Google: the file of a service account."""
    project: Maybe[Identifier] = None
    """The project that is billed."""
    endpoint: Maybe[Identifier] = None
    """The address, where `base_url` does not say it."""


class ProviderDocument(Document):
    """One provider; `api`, `litellm` or `adapter` tells how it is reached."""

    model_config = ConfigDict(json_schema_extra=_ONE_SERVICE)

    description: Maybe[str] = None
    """For people."""
    api: Maybe[Literal["openai", "anthropic", "gemini"]] = None
    """The language that its servers speak, spoken without a library between: OpenAI's chat completions (also Azure's,
    where an `api_version` is given, and those of every compatible server), Anthropic's messages, Gemini's and Vertex's
    generateContent."""
    litellm: Maybe[Text] = None
    """LiteLLM's provider id."""
    adapter: Maybe[Text] = None
    """sim, or the registered name of an installed entry point."""
    credentials: Maybe[
        Literal["default"]
        | CredentialsDocument
        | Items[CredentialsDocument]
        | Items[Items[Identifier]]
        | Items[Identifier]
    ] = None
    """Environment variables: all of a list; several ways: a list of lists; `{api_key: VAR}` says which is what;
    `default`: the chain of the platform itself."""
    base_url: Maybe[str] = None
    """Where the provider is; empty: its own. `${VAR:-default}` is expanded."""
    api_version: Maybe[str] = None
    """`${VAR:-default}` is expanded."""
    region: Maybe[str] = None
    """`${VAR:-default}` is expanded."""
    location: Maybe[str] = None
    """`${VAR:-default}` is expanded."""
    project: Maybe[str] = None
    """`${VAR:-default}` is expanded."""
    organization: Maybe[str] = None
    """`${VAR:-default}` is expanded."""
    limits: Maybe[ProviderLimitsDocument] = None
    """The pace of calls."""
    timeout: Maybe[Timeout] = None
    """Of one call."""
    first_token_timeout: Maybe[Timeout] = None
    """Until the first piece of a reply comes."""
    headers: Maybe[dict[HeaderName, str]] = None
    """Sent with every call; `${VAR}` is expanded, and its value is never shown."""
    open: bool = False
    """Also takes models that are not declared; their abilities and prices are unknown."""
    models: Maybe[dict[Annotated[str, Field(pattern=r"^\S+$")], ModelDocument]] = None
    """The models, by name."""
    seed: Maybe[int] = None
    """Of the simulator."""
    latency: Maybe[Duration | LatencyDocument] = None
    """Of the simulator."""
    error_rate: Maybe[Annotated[float, Field(ge=0, le=1)]] = None
    """Of the simulator: share of calls that fail."""
    faults: PlainData = None
    """Of the simulator: which errors, how often."""
    script: PlainData = None
    """Of the simulator: replies."""
    options: Maybe[dict[str, Any]] = None
    """Settings of an adapter from another package."""

    @model_validator(mode="after")
    def _one_service(self) -> ProviderDocument:
        if [self.api, self.litellm, self.adapter].count(None) != 2:
            raise ValueError('expected exactly one of "api", "litellm" and "adapter"')
        return self


class ProvidersDocument(Document):
    """All providers and their models."""

    nano_flow: LanguageVersion
    """The version of the language."""
    extends: Maybe[Text] = None
    """`shipped`, `user` or a file: its entries hold where this file has none; `null` takes one away."""
    providers: dict[Name, ProviderDocument]
    """The providers, by name."""
    aliases: Maybe[dict[Name, ModelName | Annotated[Items[ModelName], Field(min_length=1)]]] = None
    """Names of your own for models: `fast: openai/gpt-5-nano`; a list also says what follows after a failure."""
