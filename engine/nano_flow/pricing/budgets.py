"""What is said about a budget: reservations, refusals, overruns, crossed shares, sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nano_flow.core.money import ZERO, Money, usd

RUN = ""
"""The scope of the whole run; other scopes are named by the address that opened them."""

Unit = Literal["budget.usd", "budget.tokens"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """A worst case that is set aside in ``scopes`` until the call is settled, given up or released."""

    number: int
    scopes: tuple[str, ...]
    amount: Money
    tokens: int
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The worst case does not fit, and will not: ``left`` of ``total`` is what the scope has if all else is free."""

    limit: Unit
    scope: str
    needed: int
    left: int
    total: int

    def __str__(self) -> str:
        whose = f'the budget of "{self.scope}"' if self.scope else "the run's budget"
        if self.limit == "budget.usd":
            left = f"{usd(self.left)} of {usd(self.total)} USD"
            return f"the call may cost {usd(self.needed)} USD, but {left} is left of {whose}"
        return f"the call may take {self.needed} tokens, but {self.left} of {self.total} are left of {whose}"


@dataclass(frozen=True, slots=True)
class MustWait:
    """The worst case fits once running calls are settled for less than they reserved."""

    limit: Unit
    scope: str


@dataclass(frozen=True, slots=True)
class Overrun:
    """A bill above its reservation; ``stops`` where a budget counts that unit: nothing more is then admitted."""

    limit: Unit
    billed: int
    reserved: int
    stops: bool

    def __str__(self) -> str:
        if self.limit == "budget.usd":
            return f"a call was billed at {usd(self.billed)} USD, above the {usd(self.reserved)} reserved for it"
        return f"a call took {self.billed} tokens, above the {self.reserved} reserved for it"


@dataclass(frozen=True, slots=True)
class Crossed:
    """Spend passed ``share`` (``warn_at``) of the budget of ``scope``; reported once per scope and unit."""

    scope: str
    limit: Unit
    share: float
    spent: int
    total: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a reservation."""

    overruns: tuple[Overrun, ...] = ()
    crossed: tuple[Crossed, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of all rows of a run. ``drawn`` is what budgets count: real, possible and simulated spend together."""

    spent: Money = ZERO
    possibly_spent: Money = ZERO
    simulated: Money = ZERO
    saved: Money = ZERO
    unpriced_calls: int = 0
    tokens: int = 0

    @property
    def drawn(self) -> Money:
        """What budgets count."""
        return Money(self.spent + self.possibly_spent + self.simulated)
