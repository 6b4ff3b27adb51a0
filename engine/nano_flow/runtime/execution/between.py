"""What stands between two attempts of a step: near delays are slept, a far one saves the run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from nano_flow.core.errors import StepError
from nano_flow.core.events import StepRetried, WaitStarted
from nano_flow.core.outcomes import Failed, Failure, StepOutcome, Waiting
from nano_flow.core.refs import Address
from nano_flow.plan.plan import PlannedRetry, PlannedStep
from nano_flow.runtime.execution.retries import retries, retry_delay
from nano_flow.steps.context import Services
from nano_flow.steps.order import Names
from nano_flow.steps.patience import NEAR_S
from nano_flow.steps.table import KINDS

_RETRY = "retry"
"""Begins what is told of a far delay before another attempt."""


@dataclass(frozen=True, slots=True)
class Between:
    """The times between the attempts of one execution."""

    services: Services
    step: PlannedStep
    address: Address
    generation: int

    async def next(self, retry: PlannedRetry, failed: Failed, attempt: int, names: Names) -> StepOutcome | None:
        """Wait for the attempt after number ``attempt``; how the step stands, where none follows in this life."""
        failure = failed.failure
        try:
            if not retries(retry, failure, attempt, names):
                return failed
        except StepError as error:
            return Failed(Failure("condition", f'"retry.when": {error}'))
        services, delay = self.services, retry_delay(retry, attempt)
        now = services.clock.now()
        services.emit(StepRetried(now, self.address, attempt, failure.kind, failure.message, delay))
        if delay <= NEAR_S:
            await services.clock.sleep(delay)
            return None
        await services.durable(WaitStarted(now, self.address, now + delay, f"{_RETRY} {attempt} {self.generation}"))
        with self._away():
            came = await services.patience.until(now + delay, services.clock)
        return None if came else Waiting("wait", self.address)

    async def left_at(self) -> int | None:
        """How many attempts an earlier life made before a far delay, once it has passed; 0 where none was saved.

        None where it is far away still and nothing else is left to do.
        """
        began = self.services.recorded.waits.get(self.address)
        if began is None:
            return 0
        word, _, rest = began.fingerprint.partition(" ")
        made, _, generation = rest.partition(" ")
        if word != _RETRY or generation != str(self.generation):
            return 0
        with self._away():
            return int(made) if await self.services.patience.until(began.until, self.services.clock) else None

    def _away(self) -> AbstractContextManager[None]:
        """A kind that takes slots counts as at work from its first attempt to its last, but for far delays."""
        return self.services.patience.away() if KINDS[self.step.kind].slot else nullcontext()
