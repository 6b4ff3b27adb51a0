"""A store as a whole: what it is, the sums of its ledger, and its rows on their way to another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nano_flow.core.money import Money


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store is and holds. ``owned`` are the runs that somebody works on right now."""

    kind: str
    place: str
    version: int
    rows: Mapping[str, int]
    size: int
    owned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of one table, on its way from store to store."""

    table: str
    values: Mapping[str, str | int | float | None]


Grouping = Literal["workflow", "step", "model", "provider", "day", "run"]


@dataclass(frozen=True, slots=True)
class SpendRow:
    """The sums of one group. ``calls`` counts all attempts, cached replies included."""

    key: str
    calls: int
    failed: int
    cached: int
    cost: Money
    possibly_spent: Money
    saved: Money
    simulated_cost: Money
    unpriced_calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """What one group spent on one day (``2026-01-31``, UTC)."""

    day: str
    key: str
    cost: Money
    simulated_cost: Money


@dataclass(frozen=True, slots=True)
class UnpricedRow:
    """Calls of one model whose price nobody knows, and why."""

    model: str
    reason: str
    calls: int


@dataclass(frozen=True, slots=True)
class ObservedRow:
    """The means over ``calls`` finished calls of one model; ``output_tokens`` is None where none were measured."""

    model: str
    simulated: bool
    calls: int
    seconds: float
    output_tokens: float | None
