"""Answers that somebody gives in another process while the run is alive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.events import ApprovalAnswered
from nano_flow.core.messages import Json
from nano_flow.ports import Approver, Clock

_LOOK_AGAIN_S = 0.1
_IDLE_LOOKS = 3
_POLL_S = 0.25
"""How often the store is looked at while a question is open."""

Answers = Callable[[], Mapping[str, ApprovalAnswered]]
"""What was decided so far in the run, by address."""


@dataclass(frozen=True, slots=True)
class AnsweredAnywhere:
    """Asks ``here``, and at the same time looks for an answer in the store; the first one counts.

    Where nobody is ``here``, the question stays open as long as the run has other work (``busy``).
    """

    here: Approver | None
    answers: Answers
    busy: Callable[[], bool]
    clock: Clock

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        """The answer, or None where nobody is there and nothing else is left to do."""
        answer = None
        if self.here is not None:
            answer = await self._first(self.here.ask(address, message, options, input_schema), address)
        return answer or await self._elsewhere(address)

    async def _first(
        self, asked: Coroutine[object, object, ApprovalAnswered | None], address: str
    ) -> ApprovalAnswered | None:
        """The answer given here or, before that, elsewhere; None where nobody is here after all."""
        tasks: list[asyncio.Task[ApprovalAnswered | None]] = [
            asyncio.ensure_future(asked),
            asyncio.ensure_future(self._until_answered(address)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task in done).result()
        finally:
            alive = [task for task in tasks if not task.done()]
            for task in alive:
                task.cancel()
            if alive:
                await asyncio.wait(alive)

    async def _elsewhere(self, address: str) -> ApprovalAnswered | None:
        idle = 0
        while (answer := self.answers().get(address)) is None:
            idle = 0 if self.busy() else idle + 1
            if idle >= _IDLE_LOOKS:  # between two steps there is a moment in which nothing is at work
                return None
            await self.clock.sleep(_POLL_S if not idle else _LOOK_AGAIN_S)
        return answer

    async def _until_answered(self, address: str) -> ApprovalAnswered:
        while (answer := self.answers().get(address)) is None:
            await self.clock.sleep(_POLL_S)
        return answer
