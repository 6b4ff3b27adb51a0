"""Sets the worst case of a call aside, and waits where running calls may still give room back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from nano_flow.core.errors import LimitReached
from nano_flow.core.money import Money
from nano_flow.pricing.budgets import MustWait, Refused, Reservation
from nano_flow.pricing.ledger import Ledger

Queue = deque["asyncio.Future[None]"]


class DoesNotFit(LimitReached):
    """The worst case of a call does not fit into a budget; a cheaper one may."""


class Purse:
    """Reserves from a ledger; who has to wait waits in the order of arrival, one queue per budget.

    Only running calls are waited for, and a running call waits for no reservation, so the wait ends.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._queues: dict[tuple[str, str], Queue] = {}
        ledger.on_release = self._wake

    async def reserve(
        self, scopes: Sequence[str], amount: Money, tokens: int = 0, *, simulated: bool = False
    ) -> Reservation:
        """The reservation; DoesNotFit where it does not fit even when all running calls have ended."""
        first = True
        while True:
            answer = self.ledger.reserve(scopes, amount, tokens, simulated=simulated)
            if isinstance(answer, Reservation):
                self._wake()
                return answer
            if isinstance(answer, Refused):
                self._wake()
                hint = "raise it, or go on later with: nano-flow resume --budget USD"
                raise DoesNotFit(answer.limit, f"{answer}; {hint}", answer.scope)
            await self._wait(answer, first=first)
            first = False

    async def _wait(self, answer: MustWait, *, first: bool) -> None:
        """Wait for a release; who was woken and still finds no room keeps its place at the head."""
        queue = self._queues.setdefault((answer.limit, answer.scope), deque())
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if first:
            queue.append(woken)
        else:
            queue.appendleft(woken)
        try:
            await woken
        except asyncio.CancelledError:
            if woken.done() and not woken.cancelled():
                self._wake()
            elif woken in queue:
                queue.remove(woken)
            raise

    def _wake(self) -> None:
        """Let the head of each queue try again; if it gets its room, it wakes the next."""
        for queue in self._queues.values():
            while queue:
                woken = queue.popleft()
                if not woken.done():
                    woken.set_result(None)
                    break
