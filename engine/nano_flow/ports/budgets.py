"""Budgets over runs: what a call may cost is set aside in the store before it is sent, for all processes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nano_flow.core.calls import CallFailed, CallFinished, CallIntended
from nano_flow.core.money import Money


@dataclass(frozen=True, slots=True)
class Charge:
    """One call as budgets over runs count it; ``at`` is when it was sent, and tells it from one of an earlier life."""

    run_id: str
    address: str
    turn: int
    attempt: int
    at: float
    workflow: str
    provider: str
    tags: tuple[str, ...]
    amount: Money


@dataclass(frozen=True, slots=True)
class Bound:
    """A budget in its present window, ``since`` to ``until``; None and no tags are everybody's.

    One with a ``run_id`` is a run's own, whose calls several processes send.
    """

    name: str
    limit: Money
    since: float
    until: float
    workflow: str | None = None
    provider: str | None = None
    tags: tuple[str, ...] = ()
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a bound had before a charge: ``settled`` is billed, ``held`` may still be."""

    bound: Bound
    settled: Money
    held: Money


class SharedBudgets(Protocol):
    """What the gateway asks of budgets over runs."""

    async def admit(self, intent: CallIntended, tags: tuple[str, ...]) -> None:
        """Set the worst case of a call aside. Raises LimitReached where it does not fit."""

    def settle(self, sent_at: float, event: CallFinished | CallFailed) -> None:
        """Replace what was set aside for the call that was sent then by what it cost, or may have cost."""


class NoBudgets:
    """Nothing is bounded over runs."""

    async def admit(self, intent: CallIntended, tags: tuple[str, ...]) -> None:
        """Everything fits."""

    def settle(self, sent_at: float, event: CallFinished | CallFailed) -> None:
        """Nothing was set aside."""
