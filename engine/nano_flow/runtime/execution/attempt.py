"""One execution of a step's body: slot, attempts, timeout, budget, and the events that tell of them."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Coroutine
from dataclasses import replace

from nano_flow.core.errors import LimitReached
from nano_flow.core.events import StepFailed, StepFinished, StepSkipped, StepStarted
from nano_flow.core.outcomes import Ended, Failed, Failure, StepOutcome, Succeeded, Waiting
from nano_flow.core.refs import Address
from nano_flow.core.text import duration_text
from nano_flow.core.trace import enter
from nano_flow.gateway.sending.deadlines import counted
from nano_flow.plan.plan import PlannedStep
from nano_flow.runtime.execution.between import Between
from nano_flow.runtime.execution.engine import Engine, value_of
from nano_flow.runtime.execution.fence import caught
from nano_flow.runtime.execution.settled import as_outcome, asked_of, kept_failure, may_be_kept
from nano_flow.runtime.scope import Bill, Frame
from nano_flow.runtime.templates import render
from nano_flow.steps.context import Above, Done, Execution
from nano_flow.steps.kind import ExecuteNow
from nano_flow.steps.order import Names, Order
from nano_flow.steps.table import KINDS

_ANSWERED_INSIDE = frozenset({"approve", "switch"})
"""Kinds that a script never replaces as a whole: a person answers, and a case has the switch's address."""

ENDS_ITSELF = frozenset({"steps", "workflow"})
"""Kinds that watch their timeout themselves: what they do at their end is not under it."""


class Attempts:
    """The attempts of one execution; the last one's scope is kept for ``until``."""

    __slots__ = (
        *("_bill", "_engine", "_frame", "_fresh", "_kept", "_names", "_said", "_started", "_step"),
        *("address", "inner_names"),
    )

    def __init__(
        self,
        engine: Engine,
        frame: Frame,
        step: PlannedStep,
        address: Address,
        bill: Bill,
        said: ChainMap[str, object] | None = None,
    ) -> None:
        """``said`` are the conversations that the iterations of a loop share."""
        self._engine = engine
        self._frame = frame
        self._step = step
        self.address = address
        self._bill = bill
        self._said: ChainMap[str, object] = ChainMap({}, frame.conversations) if said is None else said
        self._kept = {} if frame.kept is None and step.retry is not None else frame.kept
        self._started: float | None = None
        self._names: Names = {}
        self._fresh = False
        self.inner_names: Names | None = None

    def execution(self, names: Names, attempt: int) -> Execution:
        """The execution for attempt number ``attempt`` (from 0)."""
        step, frame = self._step, self._frame
        budgets = frame.budgets
        if step.budget is not None:
            key = f"{self.address}#{attempt}" if attempt else str(self.address)
            self._engine.services.open_budget(key, step.budget)
            budgets = (*budgets, key)
        order = Order(
            plan=frame.plan.digest,
            path=step.path,
            address=self.address,
            names=names,
            budgets=budgets,
            generation=frame.generation * step.retry.max_attempts + attempt if step.retry else frame.generation,
        )
        return Execution(
            order=order,
            step=step,
            plan=frame.plan,
            services=self._engine.services,
            nested=self._engine.nested,
            render=render,
            render_value=value_of,
            conversations=self._said,
            kept=self._kept,
            around=frame.above,
        )

    async def run(self, names: Names, item: int | None, iteration: int | None) -> StepOutcome:
        """Attempt the body until it succeeds or its retries are used up; tell how it ended."""
        self._names = names
        known = self._known()
        if known is not None:
            return known
        if not self._step.retry and not self._step.timeout_s and (execute := KINDS[self._step.kind].execute_now):
            return self._ended(self._computed(names, execute, (item, iteration)))
        try:
            work = self._at_work if KINDS[self._step.kind].slot else self._attempts
            outcome = await work(names, item, iteration)
        except LimitReached as error:
            outcome = self._engine.limit_reached(error, self.address)
        except asyncio.CancelledError:
            if self._engine.control.stop is None:
                self._tell_cancelled()
            raise
        return self._ended(outcome)

    def _ended(self, outcome: StepOutcome) -> StepOutcome:
        if isinstance(outcome, Failed):
            outcome = replace(outcome, failure=outcome.failure.at(self.address))
        self._tell(outcome)
        if isinstance(outcome, Succeeded):
            self._keep(outcome)
        return outcome

    def _known(self) -> StepOutcome | None:
        """How it ended in an earlier attempt of a group around it, or in an earlier life of the run."""
        kept, recorded = self._frame.kept, self._engine.services.recorded
        if kept is not None and self.address in kept:
            return kept[self.address].outcome
        if self.address not in recorded.tolerated_at:
            return None
        before = kept_failure(recorded, self.address, self._step, self._names, self._rest)
        if before is None:
            return None
        self._tell_again(before)
        return as_outcome(before)

    async def _at_work(self, names: Names, item: int | None, iteration: int | None) -> StepOutcome:
        with self._engine.services.patience.at_work():  # also while it queues for its slot
            return await self._attempts(names, item, iteration)

    @property
    def _rest(self) -> tuple[int, Above]:
        return self._frame.generation, self._frame.above

    def _tell_again(self, failed: StepFailed) -> None:
        """A failure that is tolerated stays one: nothing is tried again unless somebody orders it."""
        self._engine.services.emit(replace(failed, at=self._engine.services.clock.now(), replayed=True))

    def _tell_cancelled(self) -> None:
        """Others stopped it: their failure is what counts; what a ``finish`` or ``fail`` cut off counts as left out."""
        if self._started is not None and not self._frame.steps.has_ended():
            self._tell(Failed(Failure("cancelled", "stopped before its end"), tolerated=True))
            return
        services, step = self._engine.services, self._step
        now = services.clock.now()
        services.emit(StepSkipped(now, self.address, step.id, step.kind, "run_stopped"))

    def _keep(self, outcome: Succeeded) -> None:
        """What succeeded is not repeated by a retry around it, and others may go on with its conversation."""
        frame, step = self._frame, self._step
        if frame.kept is not None:
            frame.kept[self.address] = Done(outcome)
        if step.for_each is None and step.id in self._said.maps[0]:
            frame.conversations[step.id] = self._said[step.id]

    def run_now(self, names: Names, execute: ExecuteNow) -> StepOutcome:
        """One attempt of a body that only computes."""
        outcome = self._computed(names, execute, (None, None))
        self._tell(outcome)
        return outcome

    def _computed(self, names: Names, execute: ExecuteNow, where: tuple[int | None, int | None]) -> StepOutcome:
        """What only computes needs neither a slot nor a task of its own."""
        try:
            self._start(*where)
            return self._stood_in() or execute(self.execution(names, 0))
        except LimitReached as error:
            return self._engine.limit_reached(error, self.address)
        except Exception as error:
            if (failed := caught(self._engine.services, self.address, error)) is not None:
                return failed
            raise

    async def _attempts(self, names: Names, item: int | None, iteration: int | None) -> StepOutcome:
        retry = self._step.retry if self._step.kind != "prompt" else None
        slot = KINDS[self._step.kind].slot
        between = Between(self._engine.services, self._step, self.address, self._frame.generation)
        attempt = await between.left_at() if retry else 0
        if attempt is None:
            self._start(item, iteration)
            return Waiting("wait", self.address)
        while True:
            execution = self.execution(names, attempt)
            if slot:
                async with self._engine.slots:
                    self._start(item, iteration)
                    outcome = await self._bounded(execution)
            else:
                self._start(item, iteration)
                outcome = await self._bounded(execution)
            if execution.fresh or execution.model or execution.cost:
                self._bill.add(Bill(execution.model, execution.cost, execution.fresh))
                self._fresh |= execution.fresh
            self.inner_names = execution.inner_names
            attempt += 1
            if retry is None or not isinstance(outcome, Failed) or self._engine.control.stop is not None:
                return outcome
            ended = await between.next(retry, outcome, attempt, names)
            if ended is not None:
                return ended

    def _bounded(self, execution: Execution) -> Coroutine[object, object, StepOutcome]:
        limit = self._step.timeout_s
        if limit is None or self._step.kind in ENDS_ITSELF:
            return self._body(execution)
        return self._timed(execution, limit)

    async def _timed(self, execution: Execution, limit: float) -> StepOutcome:
        try:
            async with self._engine.services.clock.timeout(limit) as deadline:
                with counted(deadline):
                    return await self._body(execution)
        except TimeoutError:
            return Failed(Failure("timeout", f"no result within {duration_text(limit)}"))

    async def _body(self, execution: Execution) -> StepOutcome:
        kind = KINDS[self._step.kind]
        try:
            outcome = self._stood_in()
            if outcome is None:
                outcome = await kind.execute(execution) if kind.execute_now is None else kind.execute_now(execution)
            return outcome
        except LimitReached as error:
            return self._engine.limit_reached(error, self.address)
        except Exception as error:
            if (failed := self._engine.failed(error, self.address)) is not None:
                return failed
            raise

    def _stood_in(self) -> StepOutcome | None:
        """In a rehearsal: what a script says instead of a step without a slot of its own."""
        stand_in = self._engine.services.stand_in
        if stand_in is None or KINDS[self._step.kind].slot or self._step.kind in _ANSWERED_INSIDE:
            return None
        replaced, output = stand_in.instead(str(self.address))
        return Succeeded(output) if replaced else None

    def _start(self, item: int | None, iteration: int | None) -> None:
        enter(self.address)
        if self._started is not None:
            return
        engine, step = self._engine, self._step
        if KINDS[step.kind].leaf:
            engine.count.add()
        services = engine.services
        clock = services.clock
        self._started = clock.monotonic()
        services.emit(StepStarted(clock.now(), self.address, step.id, step.kind, item, iteration))

    def _tell(self, outcome: StepOutcome) -> None:
        services, address = self._engine.services, self.address
        clock, emit = services.clock, services.emit
        took = clock.monotonic() - (self._started or clock.monotonic())
        if isinstance(outcome, Succeeded):
            again = not self._fresh and address in services.recorded.finished
            emit(StepFinished(clock.now(), address, outcome.output, took, outcome.case, outcome.errors, replayed=again))
        elif isinstance(outcome, Failed):
            tolerated = outcome.tolerated or tolerates(self._step)
            failure = outcome.failure
            asked = self._asked(failure) if tolerated else ""
            parts = (failure.kind, failure.message, took, tolerated, outcome.errors, asked)
            emit(StepFailed(clock.now(), self.address, *parts, case=outcome.case, detail=failure.detail))
        elif isinstance(outcome, Ended):
            self._tell_ended(outcome, took)

    def _tell_ended(self, outcome: Ended, took: float) -> None:
        """A ``finish`` or ``fail``, or a step around it."""
        now, emit = self._engine.services.clock.now(), self._engine.services.emit
        if not outcome.failed:
            emit(StepFinished(now, self.address, outcome.output, took, outcome.case))
            return
        failure = outcome.failure if outcome.address == self.address else outcome.failure.told()
        emit(StepFailed(now, self.address, failure.kind, failure.message, took, case=outcome.case))

    def _asked(self, failure: Failure) -> str:
        """What a later life finds a tolerated failure by; "" where it is to be tried again."""
        if self._engine.control.stop is not None or not may_be_kept(failure):
            return ""
        return asked_of(self._step, self._names, *self._rest)


def tolerates(step: PlannedStep) -> bool:
    """Whether the run goes on when one execution of ``step`` fails."""
    return step.on_error != "fail" or (step.for_each is not None and step.for_each.on_item_failure == "continue")
