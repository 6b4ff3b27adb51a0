"""The document of prices: dated entries per model and kind of token."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nano_flow.documents.common import (
    TOKENS_PATTERN,
    Day,
    Document,
    Items,
    LanguageVersion,
    Maybe,
    Text,
    TokenCount,
    UsdAmount,
)

Above = Annotated[str, Field(pattern=rf"(?:{TOKENS_PATTERN})|(?:^[0-9]{{1,12}}$)")]
ModelPattern = Annotated[str, Field(pattern=r"^[^/\s]+/\S+$")]


class TokenPrices(Document):
    """US dollars per `per_tokens` tokens."""

    input: Maybe[UsdAmount] = None
    """Prompt tokens that were not cached."""
    cached_input: Maybe[UsdAmount] = None
    """Prompt tokens read from a cache."""
    cache_write: Maybe[UsdAmount] = None
    """Prompt tokens written to a cache (5 minutes)."""
    cache_write_1h: Maybe[UsdAmount] = None
    """Prompt tokens written to a cache for an hour."""
    output: Maybe[UsdAmount] = None
    """Reply tokens."""
    reasoning: Maybe[UsdAmount] = None
    """Reasoning tokens; default: as output."""
    audio_input: Maybe[UsdAmount] = None
    """Audio tokens of the prompt."""
    audio_output: Maybe[UsdAmount] = None
    """Audio tokens of the reply."""


class PriceEntry(TokenPrices):
    """Prices in force from a day on."""

    from_: Day = Field(alias="from")
    """First day, UTC."""
    above: Maybe[dict[Above, TokenPrices]] = None
    """Other prices where the prompt is longer than this."""
    batch: Maybe[Annotated[float, Field(ge=0, le=1)]] = None
    """Factor for batch calls."""
    per_request: Maybe[UsdAmount] = None
    """US dollars per call."""
    source: Maybe[str] = None
    """Where the figures are from."""


class PricingDocument(Document):
    """All prices."""

    nano_flow: LanguageVersion
    """The version of the language."""
    extends: Maybe[Text] = None
    """`shipped`, `user` or a file: its entries hold where this file has none; `null` takes one away."""
    currency: Literal["USD"] = "USD"
    """Always USD."""
    per_tokens: TokenCount = 1_000_000
    """How many tokens a price is for."""
    unknown: Literal["refuse", "warn"] = "refuse"
    """Under a budget an unpriced model is no candidate (refuse), or only warned about."""
    reported: Literal["trust", "ignore"] = "trust"
    """Whether what a server itself says that a call cost settles a call without a price."""
    models: dict[ModelPattern, Literal["free", "unpriced"] | Annotated[Items[PriceEntry], Field(min_length=1)]]
    """Prices by provider/model; `*` stands for the rest of a name."""
