"""What becomes of an attempt: its price, its reservation, its events, the warnings of budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from nano_flow.core.errors import LimitReached, ProviderError, StepError
from nano_flow.core.events import BudgetWarned, CallFailed, CallFinished, CallIntended, Event, NoticeGiven
from nano_flow.core.messages import ChatReply, ChatRequest, Usage
from nano_flow.core.money import ZERO, Cost, Money, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.limits.cooldown import Cooldowns
from nano_flow.gateway.limits.purse import Purse
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.sending.question import Question
from nano_flow.ports import Clock
from nano_flow.ports.budgets import NoBudgets, SharedBudgets
from nano_flow.pricing.budgets import Reservation, Settled
from nano_flow.pricing.prices import Prices

_NO_USAGE = "the provider did not report what the call used"


class Unusable(StepError):
    """A reply came and was paid, but no other model would do better; ``usage`` is what it used."""

    def __init__(self, kind: str, message: str, usage: Usage) -> None:
        self.usage = usage
        super().__init__(kind, message)


class Overrun(LimitReached):
    """A bill was above its reservation: the run stops before anything else is paid."""


@dataclass(slots=True)
class Attempt:
    """An attempt under way; ``at`` and ``started`` are None until it is announced and sent.

    ``unpriced`` says why its worst case is not known.
    """

    question: Question
    ref: ModelRef
    request: ChatRequest
    number: int
    reservation: Reservation
    simulated: bool
    unpriced: str = ""
    at: float | None = None
    started: float | None = None
    first_token_s: float | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """Where attempts are entered."""

    clock: Clock
    emit: Callable[[Event], None]
    durable: Callable[[Event], Awaitable[None]]
    prices: Prices
    purse: Purse
    cooldowns: Cooldowns
    observed: Observed
    shared: SharedBudgets = field(default_factory=NoBudgets)

    async def intend(self, attempt: Attempt) -> None:
        """Announce an attempt; on disk before it is sent."""
        question, ask = attempt.question, attempt.question.ask
        at = self.clock.now()
        intent = CallIntended(
            at=at,
            address=ask.address,
            turn=ask.turn,
            attempt=attempt.number,
            model=str(attempt.ref),
            requested=question.requested,
            fingerprint=question.fingerprint,
            reserved=attempt.reservation.amount,
            reserved_tokens=attempt.reservation.tokens,
            unpriced=attempt.unpriced,
        )
        if not attempt.simulated:
            await self.shared.admit(intent, tuple(ask.route.tags))
        attempt.at = at
        await self.durable(intent)

    async def finish(self, attempt: Attempt, reply: ChatReply) -> Cost | Unpriced:
        """Enter a whole reply; on disk before anything depends on it. Raises Overrun."""
        question, ask = attempt.question, attempt.question.ask
        duration = self._duration(attempt)
        cost = self._price(attempt, reply.usage)
        settled = self.purse.ledger.settle(attempt.reservation, cost, reply.usage.total)
        self.cooldowns.succeeded(attempt.ref)
        self.observed.add(attempt.ref, duration, reply.usage)
        event = CallFinished(
            at=self.clock.now(),
            address=ask.address,
            turn=ask.turn,
            attempt=attempt.number,
            model=str(attempt.ref),
            requested=question.requested,
            fingerprint=question.fingerprint,
            reply=reply,
            duration_s=duration,
            cost=cost.amount if isinstance(cost, Cost) else None,
            price_entry=cost.entry if isinstance(cost, Cost) else "",
            unpriced=cost.reason if isinstance(cost, Unpriced) else "",
            reserved=attempt.reservation.amount,
            first_token_s=attempt.first_token_s,
            files={each.name: each.digest for message in ask.messages for each in message.attachments},
        )
        await self.durable(event)
        self.shared.settle(attempt.at or event.at, event)
        stop = self._tell_budgets(ask.address, settled)
        if stop is not None:
            raise stop
        return cost

    def fail(self, attempt: Attempt, error: BaseException) -> None:
        """Enter a failed attempt. What was not even announced leaves no trace but its freed reservation."""
        if attempt.at is None:
            self.purse.ledger.release(attempt.reservation)
            return
        ask = attempt.question.ask
        kind, message = _described(error)
        usage = error.usage if isinstance(error, ProviderError | Unusable) else None
        cost, possibly, settled = self._settle(attempt, error, usage)
        self.cooldowns.failed(attempt.ref, kind, self.clock.monotonic())
        event = CallFailed(
            at=self.clock.now(),
            address=ask.address,
            turn=ask.turn,
            attempt=attempt.number,
            model=str(attempt.ref),
            error=kind,
            message=message,
            duration_s=self._duration(attempt),
            cost=cost.amount if isinstance(cost, Cost) else None,
            possibly_spent=possibly,
            usage=usage,
            simulated=attempt.simulated,
            unpriced=cost.reason if isinstance(cost, Unpriced) else "",
        )
        self.emit(event)
        self.shared.settle(attempt.at, event)
        stop = self._tell_budgets(ask.address, settled)
        if stop is not None and not isinstance(error, asyncio.CancelledError):
            raise stop from error

    def _settle(
        self, attempt: Attempt, error: BaseException, usage: Usage | None
    ) -> tuple[Cost | Unpriced, Money, Settled]:
        """What a failed attempt cost, what it may have cost, and what that does to the budgets."""
        ledger, held = self.purse.ledger, attempt.reservation
        if usage is not None:
            price = self._price(attempt, usage)
            return price, ZERO if isinstance(price, Cost) else held.amount, ledger.settle(held, price, usage.total)
        if attempt.started is None or (isinstance(error, ProviderError) and not error.maybe_billed):
            ledger.release(held)
            return Cost(ZERO, ""), ZERO, Settled()
        if attempt.unpriced:
            price = Unpriced(attempt.unpriced)
            return price, held.amount, ledger.settle(held, price, held.tokens)
        return Cost(ZERO, ""), held.amount, ledger.give_up(held)

    def _price(self, attempt: Attempt, usage: Usage) -> Cost | Unpriced:
        """By the entry in force when the call was sent; what nobody measured has no price, unless it is free."""
        price = self.prices.settled(attempt.ref, usage, attempt.at or self.clock.now())
        if usage.measured or usage.reported is not None or (isinstance(price, Cost) and not price.amount):
            return price
        return Unpriced(_NO_USAGE)

    def _duration(self, attempt: Attempt) -> float:
        return 0.0 if attempt.started is None else self.clock.monotonic() - attempt.started

    def _tell_budgets(self, address: str, settled: Settled) -> Overrun | None:
        """Say which budgets were passed; the error that stops the run where a bill was above its reservation."""
        for crossed in settled.crossed:
            if crossed.limit == "budget.usd":
                spent, total = Money(crossed.spent), Money(crossed.total)
                self.emit(BudgetWarned(self.clock.now(), crossed.scope, crossed.share, spent, total))
            else:
                message = f"{crossed.spent} of {crossed.total} tokens are used, {crossed.share:.0%} of the budget"
                self.emit(NoticeGiven(self.clock.now(), crossed.scope, message))
        stop = None
        for overrun in settled.overruns:
            self.emit(NoticeGiven(self.clock.now(), address, f"overrun: {overrun}"))
            if overrun.stops:
                stop = Overrun(overrun.limit, f"overrun: {overrun}; the run stops before anything else is paid")
        return stop


def _described(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ProviderError | StepError):
        return error.kind, str(error)
    if isinstance(error, asyncio.CancelledError):
        return "cancelled", "the call was cancelled; it may have been billed"
    return "defect", f"{type(error).__name__}: {error}"
