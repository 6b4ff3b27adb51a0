"""The budgets of service.yaml, held in the store: one statement for all runs, processes and machines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from nano_flow.core.calls import CallFailed, CallFinished, CallIntended
from nano_flow.core.errors import LimitReached
from nano_flow.core.events import Event, NoticeGiven
from nano_flow.core.money import Money, money, usd
from nano_flow.core.refs import ModelRef
from nano_flow.documents.service import RunsBudgetDocument
from nano_flow.gateway.limits.purse import DoesNotFit
from nano_flow.ports import Clock
from nano_flow.ports.budgets import Bound, Charge, Drawn
from nano_flow.ports.store import Mark, Store
from nano_flow.project.service.schedule import zone_of
from nano_flow.project.service.windows import window_of

P = ParamSpec("P")
R = TypeVar("R")
WINDOW = "window"
"""Kind of the marks that say when a run that a budget paused may go on."""
_OWN = "the run's budget"
_POLL_SECONDS, _WAIT_SECONDS = 0.25, 30.0


class StoreBudgets:
    """Budgets over runs, as the calls of one run meet them."""

    def __init__(
        self,
        store: Store,
        budgets: Sequence[RunsBudgetDocument],
        run: tuple[str, str],
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        own: Money | None = None,
    ) -> None:
        """``run`` is its id and the name of its workflow; ``own`` its budget, where other processes draw from it."""
        self._store = store
        self._budgets = tuple(budgets)
        self._run_id, self._workflow = run
        self._clock = clock
        self._emit = emit
        self._charged: dict[tuple[str, int, int, float], Charge] = {}
        self._warned: set[str] = set()
        self._own = None if own is None else Bound(_OWN, own, 0.0, float("inf"), run_id=self._run_id)
        self._writing = ThreadPoolExecutor(1, "budgets over runs")

    async def _written(self, write: Callable[P, R], *what: P.args, **how: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._writing, partial(write, *what, **how))

    async def admit(self, intent: CallIntended, tags: tuple[str, ...]) -> None:
        """Set the worst case aside; where running calls hold what is missing, wait a while for their bills."""
        charge = self._charge(intent, tags)
        budgets = [one for one in self._budgets if applies(one, charge)]
        if not budgets and self._own is None:
            return
        if intent.unpriced:
            which = "a budget of service.yaml" if budgets else "the budget of a run on several workers"
            message = f"{intent.model} cannot be kept within {which}: {intent.unpriced}"
            raise DoesNotFit("budget.usd", message)
        until = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            bounds = [bound_of(budget, charge.at) for budget in budgets] + ([self._own] if self._own else [])
            fits, drawn = await self._written(self._store.charge, charge, bounds)
            if fits:
                self._charged[_key(intent.address, intent.turn, intent.attempt, charge.at)] = charge
                self._warn(budgets, drawn, charge.amount)
                return
            refused = next(one for one in drawn if one.settled + one.held + charge.amount > one.bound.limit)
            waits = refused.settled + charge.amount <= refused.bound.limit
            if not waits or self._clock.monotonic() >= until:
                if refused.bound is self._own:
                    raise _own_refusal(refused, charge)
                raise await self._refusal(budgets[drawn.index(refused)], refused, charge)
            await self._clock.sleep(_POLL_SECONDS)

    def settle(self, sent_at: float, event: CallFinished | CallFailed) -> None:
        """The bill takes the place of what was set aside."""
        charge = self._charged.pop(_key(event.address, event.turn, event.attempt, sent_at), None)
        if charge is None:
            return
        if isinstance(event, CallFinished):
            amount = event.reserved if event.cost is None else event.cost
        else:
            amount = Money((event.cost or 0) + event.possibly_spent)
        # Nobody waits for it: until it is written the worst case counts, and the next charge is written after it.
        self._writing.submit(self._store.settle_charge, replace(charge, amount=amount))

    def _charge(self, intent: CallIntended, tags: tuple[str, ...]) -> Charge:
        provider = ModelRef.parse(intent.model).provider
        return Charge(
            self._run_id,
            intent.address,
            intent.turn,
            intent.attempt,
            intent.at,
            self._workflow,
            provider,
            tags,
            intent.reserved,
        )

    def _warn(self, budgets: Sequence[RunsBudgetDocument], drawn: Sequence[Drawn], amount: Money) -> None:
        for budget, one in zip(budgets, drawn, strict=False):
            after = one.settled + one.held + amount
            if budget.warn_at is None or one.bound.name in self._warned or after < budget.warn_at * one.bound.limit:
                continue
            self._warned.add(one.bound.name)
            text = f"{one.bound.name}: ${usd(after)} of ${usd(one.bound.limit)} are spent or set aside"
            self._emit(NoticeGiven(self._clock.now(), "", text))

    async def _refusal(self, budget: RunsBudgetDocument, drawn: Drawn, charge: Charge) -> LimitReached:
        bound, ends = drawn.bound, datetime.fromtimestamp(drawn.bound.until, zone_of(budget.timezone))
        left = max(0, bound.limit - drawn.settled - drawn.held)
        error = DoesNotFit(
            "budget.usd",
            f"{bound.name}: the call may cost {usd(charge.amount)} USD, but {usd(left)} of {usd(bound.limit)} USD is "
            f'left until {ends:%Y-%m-%d %H:%M %Z}; then "nano-flow resume {self._run_id}" goes on',
        )
        if budget.on_exceed == "pause":
            error.pauses = True
            mark = Mark(WINDOW, self._run_id, bound.until, bound.name)
            await self._written(self._store.remember, mark)
        return error


def _own_refusal(drawn: Drawn, charge: Charge) -> LimitReached:
    limit = drawn.bound.limit
    left = Money(max(0, limit - drawn.settled - drawn.held))
    return DoesNotFit(
        "budget.usd",
        f"{drawn.bound.name}: the call may cost {usd(charge.amount)} USD, but {usd(left)} of {usd(limit)} USD is "
        "left; raise it, or go on later with: nano-flow resume --budget USD",
        "",
    )


def applies(budget: RunsBudgetDocument, charge: Charge) -> bool:
    """Whether a budget bounds such a call."""
    tags = {tag.casefold() for tag in charge.tags}
    return (
        budget.workflow in (None, charge.workflow)
        and budget.provider in (None, charge.provider)
        and (not budget.tags or any(tag.casefold() in tags for tag in budget.tags))
    )


def bound_of(budget: RunsBudgetDocument, at: float) -> Bound:
    """The budget in the window that holds ``at``."""
    since, until = window_of(budget.per, budget.timezone, at)
    whose = "".join(_whose(budget))
    return Bound(
        f"the budget of {budget.usd} USD a {budget.per}{whose}",
        money(budget.usd),
        since,
        until,
        budget.workflow,
        budget.provider,
        tuple(budget.tags or ()),
    )


def _whose(budget: RunsBudgetDocument) -> Iterator[str]:
    if budget.workflow is not None:
        yield f' of "{budget.workflow}"'
    if budget.provider is not None:
        yield f" at {budget.provider}"
    if budget.tags:
        yield f" for {', '.join(budget.tags)}"


def _key(address: str, turn: int, attempt: int, at: float) -> tuple[str, int, int, float]:
    return address, turn, attempt, at
