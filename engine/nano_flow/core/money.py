"""Exact money: whole nano-dollars inside, decimal strings outside; unknown is a value."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

Money = NewType("Money", int)
"""US dollars × 10⁹, a whole number."""

ZERO = Money(0)
_NANO = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call costs, and the dated price entry that said so (``openai/gpt-5-mini@2025-08-07``)."""

    amount: Money
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A cost that nobody knows, and why."""

    reason: str


def money(text: str | int | Decimal) -> Money:
    """Dollars, as a decimal, to nano-dollars; rounds up what is finer than a nano-dollar."""
    nano = Decimal(text) * _NANO
    whole = int(nano)
    return Money(whole + (nano > whole))


def usd(amount: Money | int) -> str:
    """Nano-dollars as a decimal string without an exponent or trailing zeros: ``0.0115``, ``0``, ``12``."""
    if not amount:
        return "0"
    sign, rest = ("-", -amount) if amount < 0 else ("", amount)
    dollars, nano = divmod(rest, 1_000_000_000)
    if not nano:
        return f"{sign}{dollars}"
    return f"{sign}{dollars}.{nano:09d}".rstrip("0")
