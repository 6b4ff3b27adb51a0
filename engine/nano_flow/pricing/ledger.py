"""Budgets of one run: the worst case of a call is reserved before it is sent, and replaced by its bill after.

Everything here is plain counting in one thread: a reservation is atomic because nothing is awaited. A caller that is
told ``MustWait`` waits for ``on_release`` and asks again. Money is whole nano-dollars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, Decimal

from nano_flow.core.money import ZERO, Cost, Money, Unpriced
from nano_flow.plan.plan import PlannedBudget
from nano_flow.pricing.budgets import RUN, Crossed, MustWait, Overrun, Refused, Reservation, Settled, Totals, Unit


class _Meter:
    """One unit of one scope: ``used + reserved <= limit`` holds unless a bill exceeds its reservation."""

    __slots__ = ("downgrade_from", "limit", "overrun", "reserved", "unit", "used", "warn_at", "warn_from")

    def __init__(self, unit: Unit, limit: int, budget: PlannedBudget, used: int = 0) -> None:
        self.unit: Unit = unit
        self.limit = limit
        self.used = used
        self.reserved = 0
        self.overrun = False
        self.warn_at = budget.warn_at
        self.warn_from = _share(budget.warn_at, limit)
        self.downgrade_from = _share(budget.downgrade_at, limit)


class _Scope:
    __slots__ = ("money", "tokens")

    def __init__(self, budget: PlannedBudget, money: int = 0, tokens: int = 0) -> None:
        self.money = None if budget.usd is None else _Meter("budget.usd", budget.usd, budget, money)
        self.tokens = None if budget.tokens is None else _Meter("budget.tokens", budget.tokens, budget, tokens)


class Ledger:
    """All budgets of one run and the sums of what it spent."""

    def __init__(
        self,
        budget: PlannedBudget | None = None,
        *,
        start: Totals | None = None,
        on_release: Callable[[], None] | None = None,
    ) -> None:
        """``start`` is what earlier lives of the run spent; ``on_release`` is called when room may have grown."""
        start = start or Totals()
        if min(start.spent, start.possibly_spent, start.simulated, start.tokens) < 0:
            raise ValueError("recorded spend is negative: the store is damaged")
        self._spent, self._possibly, self._simulated = int(start.spent), int(start.possibly_spent), int(start.simulated)
        self._saved, self._unpriced, self._tokens = int(start.saved), start.unpriced_calls, start.tokens
        self._scopes = {RUN: _Scope(budget or PlannedBudget(), start.drawn, start.tokens)}
        self._running: dict[int, Reservation] = {}
        self._next = 0
        self.on_release = on_release

    def open(self, scope: str, budget: PlannedBudget) -> None:
        """Give ``scope`` a budget of its own, new at zero: a step, an item, a sub-workflow, ``finally``."""
        self._scopes[scope] = _Scope(budget)

    def close(self, scope: str) -> None:
        """Forget the budget of a scope that is over; what it spent stays spent in the scopes around it."""
        self._scopes.pop(scope, None)

    def reserve(
        self, scopes: Sequence[str], amount: Money, tokens: int = 0, *, simulated: bool = False
    ) -> Reservation | Refused | MustWait:
        """Set the worst case of one call aside in every one of ``scopes``, or in none.

        Scopes without a budget bound nothing. A ``finally`` that has its own budget leaves ``RUN`` out.
        """
        if amount < 0 or tokens < 0:
            raise ValueError("a reservation cannot be negative")
        meters = [(scope, meter, need) for scope, meter, need in self._meters(scopes, amount, tokens)]
        wait: MustWait | None = None
        for scope, meter, need in meters:
            left = meter.limit - meter.used
            if need > left or meter.overrun:
                return Refused(meter.unit, scope, need, left, meter.limit)
            if need > left - meter.reserved and wait is None:
                wait = MustWait(meter.unit, scope)
        if wait is not None:
            return wait
        for _, meter, need in meters:
            meter.reserved += need
        self._next += 1
        reservation = Reservation(self._next, tuple(scopes), amount, tokens, simulated)
        self._running[self._next] = reservation
        return reservation

    def settle(self, reservation: Reservation, cost: Cost | Unpriced, tokens: int) -> Settled:
        """Replace a reservation by the bill.

        A bill without a price counts its reservation as possibly spent, and as an unpriced call.
        """
        billed = cost.amount if isinstance(cost, Cost) else reservation.amount
        if billed < 0 or tokens < 0:
            raise ValueError("a bill cannot be negative")
        if isinstance(cost, Unpriced):
            self._unpriced += 1
            self._possibly += billed
        elif reservation.simulated:
            self._simulated += billed
        else:
            self._spent += billed
        return self._book(reservation, billed, tokens)

    def give_up(self, reservation: Reservation) -> Settled:
        """The call may have been billed and nobody knows (timeout, broken stream): its worst case counts as spent."""
        if reservation.simulated:
            self._simulated += reservation.amount
        else:
            self._possibly += reservation.amount
        return self._book(reservation, reservation.amount, reservation.tokens)

    def release(self, reservation: Reservation) -> None:
        """The call was not billed (refused, rate-limited, never sent)."""
        self._book(reservation, 0, 0)

    def save(self, amount: Money) -> None:
        """A cached reply came instead of a call of ``amount``."""
        self._saved += amount

    def replay(self, scopes: Sequence[str], amount: Money, tokens: int) -> None:
        """A recorded call is used again: it was paid in an earlier life, and is in ``start``.

        Only the scopes that this life opened have to learn of it; outside ``RUN`` it moves from the run's budget.
        """
        for _, meter, need in self._meters(scopes, amount, tokens, skip_run=True):
            meter.used += need
        if RUN not in scopes:
            for _, meter, need in self._meters((RUN,), amount, tokens):
                meter.used = max(0, meter.used - need)

    def left(self, scopes: Sequence[str]) -> tuple[Money, Money] | None:
        """Dollars left and total of the tightest of ``scopes``, reservations deducted; None where none is bounded."""
        found = [self._scopes[s].money for s in scopes if s in self._scopes]
        rest = [(Money(max(0, m.limit - m.used - m.reserved)), Money(m.limit)) for m in found if m]
        return min(rest, default=None)

    def under_pressure(self, scopes: Sequence[str]) -> bool:
        """Whether spend has passed ``downgrade_at`` of a budget of one of ``scopes``."""
        return any(
            m.downgrade_from is not None and m.used >= m.downgrade_from for _, m, _ in self._meters(scopes, ZERO, 0)
        )

    def bounded(self, scopes: Sequence[str]) -> bool:
        """Whether dollars are bounded for a call in ``scopes``."""
        return any(scope.money for s in scopes if (scope := self._scopes.get(s)))

    def totals(self) -> Totals:
        """The sums so far, running calls left out."""
        return Totals(
            Money(self._spent),
            Money(self._possibly),
            Money(self._simulated),
            Money(self._saved),
            self._unpriced,
            self._tokens,
        )

    def reserved(self) -> Money:
        """What running calls may still cost."""
        return Money(sum(r.amount for r in self._running.values()))

    def _meters(
        self, scopes: Sequence[str], amount: int, tokens: int, *, skip_run: bool = False
    ) -> list[tuple[str, _Meter, int]]:
        found: list[tuple[str, _Meter, int]] = []
        for name in scopes:
            scope = self._scopes.get(name)
            if scope is None or (skip_run and name == RUN):
                continue
            if scope.money is not None:
                found.append((name, scope.money, amount))
            if scope.tokens is not None:
                found.append((name, scope.tokens, tokens))
        return found

    def _book(self, reservation: Reservation, billed: int, tokens: int) -> Settled:
        if self._running.pop(reservation.number, None) is None:
            raise ValueError(f"reservation {reservation.number} was settled before")
        self._tokens += tokens
        crossed: list[Crossed] = []
        stopped: set[Unit] = set()
        for name, meter, _ in self._meters(reservation.scopes, 0, 0):
            actual, held = (billed, reservation.amount) if meter.unit == "budget.usd" else (tokens, reservation.tokens)
            meter.reserved -= held
            before, meter.used = meter.used, meter.used + actual
            if actual > held:
                meter.overrun = True
                stopped.add(meter.unit)
            if meter.warn_at is not None and meter.warn_from is not None and before < meter.warn_from <= meter.used:
                crossed.append(Crossed(name, meter.unit, meter.warn_at, meter.used, meter.limit))
        if self.on_release is not None:
            self.on_release()
        return Settled(_overruns(reservation, billed, tokens, stopped), tuple(crossed))


def _overruns(reservation: Reservation, billed: int, tokens: int, stopped: set[Unit]) -> tuple[Overrun, ...]:
    units: tuple[tuple[Unit, int, int], ...] = (
        ("budget.usd", billed, reservation.amount),
        ("budget.tokens", tokens, reservation.tokens),
    )
    return tuple(Overrun(unit, got, held, unit in stopped) for unit, got, held in units if got > held)


def _share(share: float | None, limit: int) -> int | None:
    """The smallest whole amount that is at least ``share`` of ``limit``."""
    if share is None:
        return None
    return int((Decimal(str(share)) * limit).to_integral_value(ROUND_CEILING))
