"""Where our prices differ from published ones, and how old they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from nano_flow.core.money import Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.pricing.market.published import PublishedPrices
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.rates import PriceEntry, Rates
from nano_flow.pricing.reading import KINDS

_MILLION = 1_000_000
_NANO = 10**9
DAY_S = 86_400.0
OLD_DAYS = 180
"""Prices that nobody looked at for half a year should be looked at."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One price that differs; ``above`` is the context size of a tier, -1 for the usual price; None: not stated."""

    kind: str
    above: int
    ours: Decimal | None
    theirs: Decimal


@dataclass(frozen=True, slots=True)
class Checked:
    """One model, looked up in one source."""

    name: str
    entry: PriceEntry
    age_days: int | None
    published: PublishedPrices | None
    differences: tuple[Difference, ...] = ()

    @property
    def old(self) -> bool:
        """Whether the entry is so old that it should be looked at, and this source cannot confirm it."""
        return self.published is None and self.age_days is not None and self.age_days > OLD_DAYS


def check_prices(prices: Prices, at: float, published: Callable[[ModelRef], PublishedPrices | None]) -> list[Checked]:
    """Every model that has a dated entry in force, compared with what ``published`` says of it."""
    found = []
    for name in prices.lists():
        if "*" in name:
            continue
        ref = ModelRef.parse(name)
        entry = prices.entry(ref, at)
        if isinstance(entry, Unpriced):
            continue
        theirs = published(ref)
        age = int((at - entry.starts) // DAY_S) if entry.starts > 0 else None
        differences = tuple(_differences(entry, theirs)) if theirs is not None else ()
        found.append(Checked(name, entry, age, theirs, differences))
    return found


def _differences(entry: PriceEntry, theirs: PublishedPrices) -> list[Difference]:
    ours = dict(entry.standard.tiers)
    found = _compare(-1, ours.get(-1), entry.standard.scale, theirs.kinds)
    for above, kinds in sorted(theirs.above.items()):
        found += _compare(above, ours.get(above), entry.standard.scale, kinds)
    return found


def _compare(above: int, ours: Rates | None, scale: int, theirs: Mapping[str, Decimal]) -> list[Difference]:
    """Differences of one tier. Kinds that we do not state are billed as others, so they may agree all the same."""
    found = []
    for kind in KINDS:
        their_price = theirs.get(kind)
        if their_price is None:
            continue
        rate = getattr(ours, kind) if ours is not None else -1
        our_price = per_million(rate, scale) if rate >= 0 else None
        if our_price != their_price:
            found.append(Difference(kind, above, our_price, their_price))
    return found


def per_million(rate: int, scale: int) -> Decimal:
    """Dollars for a million tokens of a rate in nano-dollars times ``scale``."""
    return Decimal(rate * _MILLION) / (scale * _NANO)
