"""What a provider says that a call used, as long as it can be true."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from nano_flow.core.messages import Json, Usage
from nano_flow.core.money import Money, money
from nano_flow.providers.wire.plain import read

REPORTS = frozenset({"usage", "usageMetadata", "eval_count", "prompt_eval_count", "meta"})
"""Members in which providers report; a reply without any of them reports nothing."""
_MOST = 100_000_000
"""Tokens that one call may be said to have used; no window is so large."""
_MOST_USD = 10_000
"""Dollars that one call may be said to have cost."""


_CACHED = ("cache_read_input_tokens", "cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens")
"""Where servers report what came from a cache, if not among the details of the prompt."""


def billed(reply: Mapping[str, Json]) -> Mapping[str, object] | None:
    """What a reply says that is billed (Cohere), where that is not what was counted; under OpenAI's names."""
    units = read(reply.get("usage") or reply.get("meta"), "billed_units")
    read_, wrote = read(units, "input_tokens"), read(units, "output_tokens")
    if not isinstance(read_, int | float) or not isinstance(wrote, int | float):
        return None
    return {"prompt_tokens": int(read_), "completion_tokens": int(wrote)}


def reported_cost(usage: object) -> Money | None:
    """What a server says that the call cost, in dollars (OpenRouter, Perplexity); None where that is no such amount."""
    said = read(usage, "cost")
    total = read(said, "total_cost") if isinstance(said, Mapping) else said
    if isinstance(total, bool) or not isinstance(total, int | float) or not 0 <= total <= _MOST_USD:
        return None
    return money(Decimal(str(total)))


def number(holder: object, name: str) -> int:
    """A count of tokens; 0 where there is none. ValueError for what is no count."""
    value = read(holder, name)
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError(f"{name} is no count of tokens")
    return value


def read_usage(usage: object) -> Usage | None:
    """Tokens by kind, each counted once; None where nothing was reported, or nothing that can be true.

    ``prompt_tokens`` holds cached and written ones, ``completion_tokens`` those of reasoning, at every provider; one
    that counts its reasoning beside them is known by its total.
    """
    try:
        return _read(usage)
    except ValueError:
        return None


def _read(usage: object) -> Usage | None:
    prompt, completion = number(usage, "prompt_tokens"), number(usage, "completion_tokens")
    if not prompt and not completion:
        return None
    read_details, write_details = read(usage, "prompt_tokens_details"), read(usage, "completion_tokens_details")
    cached = _first(read_details, "cached_tokens") or _first(usage, *_CACHED)
    written = _first(read_details, "cache_creation_tokens", "cache_write_tokens")
    written = written or _first(usage, "cache_creation_input_tokens")
    for_an_hour = number(read(read_details, "cache_creation_token_details"), "ephemeral_1h_input_tokens")
    heard = number(read_details, "audio_tokens")
    reasoned, spoken = number(write_details, "reasoning_tokens"), number(write_details, "audio_tokens")
    if reasoned and number(usage, "total_tokens") == prompt + completion + reasoned:
        completion += reasoned
    if reasoned > completion - spoken:
        reasoned = 0  # somebody's estimate: what was billed is the total
    return Usage(
        input_tokens=_rest(prompt, cached, written, heard),
        cached_input_tokens=cached,
        cache_write_tokens=_rest(written, for_an_hour),
        output_tokens=_rest(completion, reasoned, spoken),
        reasoning_tokens=reasoned,
        cache_write_1h_tokens=for_an_hour,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        reported=reported_cost(usage),
    )


def _first(holder: object, *names: str) -> int:
    return next((found for name in names if (found := number(holder, name))), 0)


def _rest(whole: int, *parts: int) -> int:
    """What is left of ``whole``. ValueError where its parts are more."""
    left = whole - sum(parts)
    if left < 0:
        raise ValueError("the parts are more than the whole")
    return left
