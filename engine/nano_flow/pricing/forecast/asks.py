"""What one question to a model may cost: every attempt at every model that may be asked, and what is likely."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.core.messages import Usage
from nano_flow.core.money import Cost, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.pricing.prices import Prices


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that may be asked: the output cap that is sent to it, and its window (None: unknown)."""

    ref: ModelRef
    cap: int
    window: int | None = None


@dataclass(frozen=True, slots=True)
class AskRoute:
    """Who may answer one question. ``first`` is the likely choice (None: nobody); ``ways`` are the chains of models
    that may be tried one after the other, one chain per way that routing may turn out.

    ``attempts`` are made per model; a cascade asks up to ``rounds`` chains for one question, and ``samples`` replies of
    the first one even where that one does.
    """

    first: ModelChoice | None = None
    ways: tuple[tuple[ModelChoice, ...], ...] = ()
    attempts: int = 1
    rounds: int = 1
    samples: int = 1


@dataclass(frozen=True, slots=True)
class AskBound:
    """The most that one question takes; None is without a bound. ``unpriced`` names a model without a price."""

    cost: int | None
    input_tokens: int | None
    output_tokens: int
    unpriced: str | None = None


def worst_ask(route: AskRoute, most_input: int | None, prices: Prices, at: float) -> AskBound:
    """The bound of one question whose messages have at most ``most_input`` tokens (None: whatever the window takes)."""
    bounds = [_worst_way(way, most_input, prices, at) for way in route.ways]
    factor = route.attempts * route.rounds
    costs = [bound.cost for bound in bounds]
    inputs = [bound.input_tokens for bound in bounds]
    return AskBound(
        cost=None if None in costs else factor * max((c for c in costs if c is not None), default=0),
        input_tokens=None if None in inputs else factor * max((i for i in inputs if i is not None), default=0),
        output_tokens=factor * max((bound.output_tokens for bound in bounds), default=0),
        unpriced=next((bound.unpriced for bound in bounds if bound.unpriced), None),
    )


def _worst_way(way: tuple[ModelChoice, ...], most_input: int | None, prices: Prices, at: float) -> AskBound:
    """Every model of a chain is asked, and each answer is billed and not good enough."""
    cost: int | None = 0
    tokens: int | None = 0
    unpriced = None
    for choice in way:
        known = [size for size in (most_input, choice.window) if size is not None]
        size = min(known, default=None)
        tokens = None if tokens is None or size is None else tokens + size
        worst = prices.worst_case(choice.ref, size or 0, choice.cap, at)
        if isinstance(worst, Unpriced):
            unpriced, cost = unpriced or str(choice.ref), None
        elif cost is not None:
            cost = None if size is None and _costs(prices, choice.ref, at) else cost + worst
    return AskBound(cost, tokens, sum(choice.cap for choice in way), unpriced)


def likely_cost(ref: ModelRef, usage: Usage, calls: float, prices: Prices, at: float) -> int | None:
    """What ``calls`` that use ``usage`` together cost, or None where nobody knows.

    The size that selects a tier is that of one call, and each call pays its fee.
    """
    number = max(calls, 1.0)
    cost = prices.price(ref, usage, at, context_tokens=int(usage.context / number))
    entry = prices.entry(ref, at)
    if not isinstance(cost, Cost) or isinstance(entry, Unpriced):
        return None
    return cost.amount + int((number - 1) * entry.standard.fee / entry.standard.scale) if calls else 0


def least_cost(route: AskRoute, input_tokens: int, prices: Prices, at: float) -> int:
    """The least that one answer can cost: the cheapest model, the shortest prompt, one token."""
    refs = {choice.ref for way in route.ways for choice in way}
    usage = Usage(input_tokens=input_tokens, output_tokens=1)
    costs = [likely_cost(ref, usage, 1, prices, at) for ref in refs]
    return min((cost for cost in costs if cost is not None), default=0)


def _costs(prices: Prices, ref: ModelRef, at: float) -> bool:
    """Whether input of ``ref`` costs anything."""
    return bool(likely_cost(ref, Usage(input_tokens=1_000_000), 1, prices, at))
