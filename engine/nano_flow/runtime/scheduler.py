"""Starts each step of a graph as soon as its own needs are met, and collects how it ended."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine

from nano_flow.core.events import StepSkipped
from nano_flow.core.outcomes import Ended, Failed, Skipped, StepOutcome
from nano_flow.core.refs import Address, child
from nano_flow.plan.plan import PlannedStep
from nano_flow.ports import Clock
from nano_flow.runtime.limits import Control
from nano_flow.runtime.scope import Frame
from nano_flow.runtime.state import GraphState

_INLINE_BATCH = 256
"""Steps that need no waiting and run in one go before the loop gets its turn."""

RunStep = Callable[[Frame, PlannedStep], Coroutine[object, object, StepOutcome]]
RunNow = Callable[[Frame, PlannedStep], "StepOutcome | None"]


class GraphRun:
    """One execution of one graph. There are no layers: an end starts whatever it was holding back."""

    def __init__(
        self, frame: Frame, state: GraphState, workers: tuple[RunStep, RunNow], control: Control, clock: Clock
    ) -> None:
        self._frame = frame
        self._state = state
        self._run_step, self._run_now = workers
        self._control = control
        self._clock = clock
        self._due: deque[PlannedStep] = deque()
        self._tasks: dict[asyncio.Task[StepOutcome], PlannedStep] = {}
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._draining = False
        self._begun: set[str] = set()

    async def run(self, tell: Callable[[StepSkipped], None]) -> StepOutcome | None:
        """Run to the end; what ended or failed the graph, None where every step is settled well or waits.

        Cancelling it cancels the running steps and returns when they are gone.
        """
        self._tell = tell
        self._control.listeners.append(self._hear_stop)
        try:
            if self._control.stop is not None:
                self._state.stop()
            self._take(self._state.begin())
            if not self._done.done():
                await self._done
            self._done.result()
        except asyncio.CancelledError:
            self._state.stop()
            self._drop_due()
            self._settle_skips()
            raise
        finally:
            self._control.listeners.remove(self._hear_stop)
            await self._cancel_running()
        return self._verdict()

    def _verdict(self) -> StepOutcome | None:
        ended = next((o for o in self._state.outcomes.values() if isinstance(o, Ended)), None)
        if ended is not None:
            return ended
        if self._state.first_failure is None:
            return None
        step_id, failed = self._state.first_failure
        return Failed(failed.failure.at(child(self._frame.address, step_id)).told())

    def _hear_stop(self) -> None:
        self._state.stop()
        self._drop_due()
        self._settle_skips()
        self._finish_if_idle()

    def _take(self, steps: list[PlannedStep]) -> None:
        self._settle_skips()
        self._due.extend(steps)
        if not self._draining:
            self._drain()

    def _drain(self) -> None:
        self._draining = True
        inline = 0
        while self._due:
            if inline >= _INLINE_BATCH:
                self._loop.call_soon(self._drain_on)
                return
            step = self._due.popleft()
            outcome = self._run_now(self._frame, step)
            if outcome is None:
                self._spawn(step)
            else:
                inline += 1
                self._advance(step, outcome)
        self._draining = False
        self._finish_if_idle()

    def _drain_on(self) -> None:
        if not self._done.done():
            try:
                self._drain()
            except BaseException as error:  # a callback has nobody above it: hand the error to whoever awaits the graph
                self._done.set_exception(error)

    def _spawn(self, step: PlannedStep) -> None:
        task = self._loop.create_task(self._begin(step))
        self._tasks[task] = step
        task.add_done_callback(self._ended)

    async def _begin(self, step: PlannedStep) -> StepOutcome:
        self._begun.add(step.id)
        return await self._run_step(self._frame, step)

    def _ended(self, task: asyncio.Task[StepOutcome]) -> None:
        step = self._tasks.pop(task)
        if task.cancelled() and step.id not in self._begun:
            self._tell_stopped(step)
        error = None if task.cancelled() else task.exception()  # asked in any case: else asyncio prints it
        if self._done.done():
            return
        if task.cancelled():
            self._finish_if_idle()
            return
        if error is not None:
            self._done.set_exception(error)
            return
        self._advance(step, task.result())
        if not self._draining:
            self._drain_on()

    def _advance(self, step: PlannedStep, outcome: StepOutcome) -> None:
        if isinstance(outcome, Ended):
            self._frame.steps.ended = True
            for task in list(self._tasks):
                task.cancel()
            self._drop_due()
        self._due.extend(self._state.advance(step.id, outcome))
        self._settle_skips()

    def _drop_due(self) -> None:
        for step in self._due:
            self._tell_stopped(step)
        self._due.clear()

    def _tell_stopped(self, step: PlannedStep) -> None:
        """A step that was to start, and now will not."""
        address = child(self._frame.address, step.id)
        self._tell(skip_event(address, step, Skipped("run_stopped"), self._clock.now()))

    def _settle_skips(self) -> None:
        fresh, self._state.fresh_skips = self._state.fresh_skips, []
        for step_id, skipped in fresh:
            step = self._state.topology.steps[step_id]
            address = child(self._frame.address, step_id)
            self._tell(skip_event(address, step, skipped, self._clock.now()))

    def _finish_if_idle(self) -> None:
        if not self._tasks and not self._due and not self._done.done():
            self._done.set_result(None)

    async def _cancel_running(self) -> None:
        if not self._tasks:
            return
        if not self._done.cancel() and not self._done.cancelled():
            self._done.exception()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def skip_event(address: Address, step: PlannedStep, skipped: Skipped, now: float) -> StepSkipped:
    """What is told of a step that will not start."""
    return StepSkipped(now, address, step.id, step.kind, skipped.reason, skipped.detail)
