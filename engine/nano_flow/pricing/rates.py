"""One dated price entry as whole numbers: exact per-token rates, tiers by context size, batch, fee per request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

_NANO = 1_000_000_000


class Rates(NamedTuple):
    """Nano-dollars per token, each times the ``scale`` of its entry; -1 where nothing is known of that kind."""

    input: int
    cached_input: int
    cache_write: int
    output: int
    reasoning: int
    cache_write_1h: int
    audio_input: int
    audio_output: int

    @property
    def dearest_input(self) -> int:
        """What a token costs at worst on its way in, whether it is read, written to a cache or found in one."""
        return max(self.input, self.cached_input, self.cache_write)

    @property
    def dearest_output(self) -> int:
        """What a token costs at worst on its way out."""
        return max(self.output, self.reasoning)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rates by the size of the context: ``tiers`` hold above their threshold; the first, at -1, always does."""

    scale: int
    fee: int
    tiers: tuple[tuple[int, Rates], ...]

    def rates(self, context_tokens: int) -> Rates:
        """The rates for a call that reads ``context_tokens``."""
        return next(rates for above, rates in reversed(self.tiers) if context_tokens > above)


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """Prices in force from ``starts`` (seconds since 1970); ledgers keep ``label`` (``openai/gpt-5@2025-08-07``)."""

    label: str
    starts: float
    standard: Schedule
    batch: Schedule | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """All that ``pricing.yaml`` says under one name; ``entries`` ascend by date."""

    name: str
    entries: tuple[PriceEntry, ...] = ()
    unpriced: str = ""


@dataclass(frozen=True, slots=True)
class StatedPrices:
    """Prices as a document states them: dollars per ``per_tokens`` tokens; None where it says nothing."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StatedEntry:
    """One dated entry as a document states it.

    ``starts`` None is since ever; ``tiers`` maps a context size to what holds above it, -1 to what holds always;
    ``batch`` multiplies the prices of tokens, not the fee ``per_request``.
    """

    label: str
    starts: date | None
    tiers: Mapping[int, StatedPrices]
    per_request: Decimal = Decimal(0)
    batch: Decimal | None = None
    source: str = ""


def build_entry(stated: StatedEntry, per_tokens: int = 1_000_000) -> PriceEntry:
    """The entry in whole numbers; its prices are stated per ``per_tokens`` tokens."""
    standard = _schedule(stated.tiers, Fraction(1, per_tokens), stated.per_request)
    batch = None
    if stated.batch is not None:
        batch = _schedule(stated.tiers, Fraction(stated.batch) / per_tokens, stated.per_request)
    return PriceEntry(stated.label, seconds(stated.starts), standard, batch, stated.source)


def seconds(day: date | None) -> float:
    """The start of ``day``, UTC, as seconds since 1970; minus infinity for None."""
    if day is None:
        return -math.inf
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _schedule(tiers: Mapping[int, StatedPrices], factor: Fraction, per_request: Decimal) -> Schedule:
    """The smallest whole numbers that are in the same proportion as the stated decimals."""
    fee = Fraction(per_request) * _NANO
    exact = {above: _exact(stated, factor) for above, stated in sorted(tiers.items())}
    scale = math.lcm(fee.denominator, *(f.denominator for rates in exact.values() for f in rates if f is not None))
    whole = tuple(
        (above, Rates._make(-1 if rate is None else int(rate * scale) for rate in rates))
        for above, rates in exact.items()
    )
    return Schedule(scale, int(fee * scale), whole)


def _exact(stated: StatedPrices, factor: Fraction) -> tuple[Fraction | None, ...]:
    """Fractions of a nano-dollar per token, in the order of ``Rates``.

    A provider that states no price for cached or written tokens bills them as input, and reasoning as output.
    For one-hour cache writes and audio there is no such habit: they stay unknown.
    """

    def per_token(price: Decimal | None) -> Fraction | None:
        return None if price is None else Fraction(price) * _NANO * factor

    paid_in, paid_out = per_token(stated.input), per_token(stated.output)
    return (
        paid_in,
        paid_in if stated.cached_input is None else per_token(stated.cached_input),
        paid_in if stated.cache_write is None else per_token(stated.cache_write),
        paid_out,
        paid_out if stated.reasoning is None else per_token(stated.reasoning),
        per_token(stated.cache_write_1h),
        per_token(stated.audio_input),
        per_token(stated.audio_output),
    )
