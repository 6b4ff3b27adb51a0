"""Where spending goes: how far each budget over runs is used, and where it ends if it goes on like that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.core.text import rfc3339
from nano_flow.operations.service.inforce import Service
from nano_flow.ports.budgets import Drawn
from nano_flow.ports.store import DayRow, StoreReader
from nano_flow.project.service.shared_budgets import bound_of

_EARLY = 0.1
"""The share of a window before which its pace says nothing."""
_DAY = 86_400.0
_BASE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Outlook:
    """A budget in its present window. ``by_end`` is what it has at the window's end at its present pace."""

    drawn: Drawn
    by_end: Money | None
    """None where it is too early to tell, or nothing was spent."""
    empty_at: float | None
    """When it is used up at that pace, in seconds since 1970; None where it lasts, or it is too early to tell."""

    @property
    def used(self) -> int:
        """Billed, and set aside for calls under way, in nano-dollars."""
        return self.drawn.settled + self.drawn.held

    def as_json(self) -> dict[str, Json]:
        """One entry of ``nano-flow/budgets@1``."""
        bound = self.drawn.bound
        return {
            "name": bound.name,
            "limit_usd": usd(bound.limit),
            "spent_usd": usd(self.drawn.settled),
            "held_usd": usd(self.drawn.held),
            "since": rfc3339(bound.since),
            "until": rfc3339(bound.until),
            "by_end_usd": None if self.by_end is None else usd(self.by_end),
            "empty_at": None if self.empty_at is None else rfc3339(self.empty_at),
        }


@dataclass(frozen=True, slots=True)
class Stack:
    """What each of the largest groups, and all others together, spent on each of ``days``; in nano-dollars."""

    days: Sequence[str]
    series: Sequence[tuple[str, Sequence[int]]]


def outlooks(reader: StoreReader, service: Service, now: float) -> list[Outlook]:
    """All budgets of service.yaml, in the order of the file."""
    drawn = reader.drawn([bound_of(budget, now) for budget in service.budgets])
    return [_outlook(one, now) for one in drawn]


def _outlook(drawn: Drawn, now: float) -> Outlook:
    bound = drawn.bound
    passed, whole = now - bound.since, bound.until - bound.since
    if passed < _EARLY * whole or not drawn.settled:
        return Outlook(drawn, None, None)
    pace = drawn.settled / passed
    by_end = Money(round(pace * whole))
    left = bound.limit - drawn.settled - drawn.held
    empty = now + max(0.0, left / pace)
    return Outlook(drawn, by_end, empty if empty < bound.until else None)


def a_day(reader: StoreReader, now: float) -> Money:
    """What a day has cost in the mean of the last seven, simulated money left out, in nano-dollars."""
    rows = reader.spend("provider", now - _BASE_DAYS * _DAY)
    return Money(round(sum(row.cost for row in rows) / _BASE_DAYS))


def stacked(rows: Sequence[DayRow], now: float, most: int, *, simulated: bool) -> Stack | None:
    """A week or more of days up to today, the ``most`` largest groups one by one; None where nothing was spent."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        amount = row.simulated_cost if simulated else row.cost
        if amount:
            found.setdefault(row.key, {})[row.day] = amount
    if not found:
        return None
    days = _days(min(_day_before(now, _BASE_DAYS), *(day for by_day in found.values() for day in by_day)), now)
    keys = sorted(found, key=lambda key: (-sum(found[key].values()), key))
    series = [(key, [found[key].get(day, 0) for day in days]) for key in keys[:most]]
    if len(keys) > most:
        rest = keys[most:]
        series.append((f"{len(rest)} more", [sum(found[key].get(day, 0) for key in rest) for day in days]))
    return Stack(days, series)


def _day_before(now: float, days: int) -> str:
    return (datetime.fromtimestamp(now, UTC).date() - timedelta(days=days - 1)).isoformat()


def _days(first: str, now: float) -> list[str]:
    day, last = datetime.fromisoformat(first).date(), datetime.fromtimestamp(now, UTC).date()
    found = [day.isoformat()]
    while day < last:
        day += timedelta(days=1)
        found.append(day.isoformat())
    return found
