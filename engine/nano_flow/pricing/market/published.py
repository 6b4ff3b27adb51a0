"""Prices as LiteLLM and genai-prices publish them, in our units: dollars for a million tokens, by kind.

LiteLLM states dollars for one token (``2.5e-07``), read here as a decimal and multiplied by a million, so that nothing
is lost to binary fractions; genai-prices states dollars for a million. A price of 0 in either means that nobody filled
it in, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from nano_flow.core.refs import ModelRef

MILLION = 1_000_000
_LITELLM_KINDS = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
}
_BOTH = frozenset({"input", "output"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIER = re.compile(r"(.+)_above_(\d+)k_tokens")
_LITELLM_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai",),
    "anthropic": ("anthropic",),
    "azure": ("azure",),
    "gemini": ("gemini",),
    "vertex": ("vertex_ai",),
    "bedrock": ("bedrock", "bedrock_converse"),
    "cohere": ("cohere", "cohere_chat"),
}
"""Our provider → how LiteLLM's ``litellm_provider`` begins."""
_GENAI_PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "azure": "azure",
    "gemini": "google",
    "vertex": "google",
    "bedrock": "aws",
    "cohere": "cohere",
}
_GENAI_KINDS = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
}


@dataclass(frozen=True, slots=True)
class PublishedPrices:
    """What one source says of one model: by kind, and by kind above a context size."""

    source: str
    kinds: Mapping[str, Decimal]
    above: Mapping[int, Mapping[str, Decimal]] = field(default_factory=dict)
    retires: str | None = None
    """The day from which on it is said to be served no more."""


def from_litellm(table: Mapping[str, Mapping[str, object]], ref: ModelRef, source: str) -> PublishedPrices | None:
    """What LiteLLM's price map (numbers read as Decimal) says of ``ref``; None where it says nothing."""
    prefixes = _LITELLM_PROVIDERS.get(ref.provider, (ref.provider,))
    for key in (ref.model, *(f"{prefix}/{ref.model}" for prefix in prefixes)):
        entry = table.get(key)
        if entry is not None and str(entry.get("litellm_provider", "")).startswith(prefixes):
            return _litellm_entry(entry, source)
    return None


def _litellm_entry(entry: Mapping[str, object], source: str) -> PublishedPrices | None:
    kinds: dict[str, Decimal] = {}
    above: dict[int, dict[str, Decimal]] = {}
    for name, value in entry.items():
        tier = _TIER.fullmatch(name)
        kind = _LITELLM_KINDS.get(tier[1] if tier else name)
        price = _price(value)
        if kind is None or price is None:
            continue
        if tier:
            above.setdefault(int(tier[2]) * 1000, {})[kind] = price * MILLION
        else:
            kinds[kind] = price * MILLION
    return PublishedPrices(source, kinds, above, _day(entry.get("deprecation_date"))) if kinds.keys() >= _BOTH else None


def from_genai(providers: Iterable[object], ref: ModelRef, source: str) -> PublishedPrices | None:
    """What the providers of a genai-prices snapshot say of ``ref``; conditional prices and tiers are left out."""
    wanted = _GENAI_PROVIDERS.get(ref.provider)
    for provider in providers:
        if getattr(provider, "id", None) != wanted:
            continue
        for model in getattr(provider, "models", ()):
            if getattr(model, "id", None) == ref.model:
                prices = getattr(model, "prices", None)
                found = {kind: _price(getattr(prices, name, None)) for name, kind in _GENAI_KINDS.items()}
                kinds = {kind: price for kind, price in found.items() if price is not None}
                return PublishedPrices(source, kinds) if kinds else None
    return None


def _day(value: object) -> str | None:
    return value if isinstance(value, str) and _DAY.fullmatch(value) else None


def _price(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    price = Decimal(str(value))
    return price if price.is_finite() and price > 0 else None
