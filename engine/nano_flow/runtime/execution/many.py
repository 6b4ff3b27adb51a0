"""Fan-outs and loops: one step, many executions."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace

from nano_flow.core.errors import LimitReached, StepError
from nano_flow.core.events import StepCollected, StepExpanded, WaitStarted
from nano_flow.core.messages import Json
from nano_flow.core.outcomes import Ended, Failed, Failure, ItemFailure, StepOutcome, Succeeded, Waiting
from nano_flow.core.refs import Address, nth
from nano_flow.core.text import as_text
from nano_flow.plan.plan import PlannedForEach, PlannedRepeat, PlannedStep
from nano_flow.runtime.execution.attempt import Attempts, tolerates
from nano_flow.runtime.execution.engine import Engine, holds, value_of
from nano_flow.runtime.execution.fence import fenced
from nano_flow.runtime.execution.rows import rows_of
from nano_flow.runtime.scope import Bill, Frame
from nano_flow.steps.order import Names
from nano_flow.steps.table import KINDS

_OUT_AT_ONCE = 1000
"""Items of a placed fan-out that are out at a time: enough for every worker, and no burden for the owner."""
_LABEL = 60
"""Characters of an item that a message shows."""


class FanOut:
    """One fan-out: its items are executed by as many workers as may run at once."""

    def __init__(self, engine: Engine, frame: Frame, step: PlannedStep, spec: PlannedForEach, bill: Bill) -> None:
        self._engine = engine
        self._frame = frame
        self._step = step
        self._spec = spec
        self._bill = bill
        self._outcomes: dict[int, StepOutcome] = {}
        self._halted = False
        self._workers: list[asyncio.Task[None]] = []

    async def run(self, address: Address) -> StepOutcome:
        """Read the list, execute every item, collect the outputs in the list's order."""
        services = self._engine.services
        started = services.clock.monotonic()
        try:
            items = read_list(self._spec, self._frame.names, services.read_file)
        except StepError as error:
            return self._collected(address, Failed(Failure(error.kind, str(error))), started)
        step = self._step
        try:
            if KINDS[step.kind].leaf:
                self._engine.count.check(len(items))
        except LimitReached as error:
            return self._collected(address, self._engine.limit_reached(error, address), started)
        services.emit(StepExpanded(services.clock.now(), address, step.id, step.kind, "for_each", len(items)))
        await self._execute(address, items)
        return self._collected(address, self._collect(items), started)

    async def _execute(self, address: Address, items: list[Json]) -> None:
        at_once = min(self._spec.max_parallel or len(items), len(items))
        if KINDS[self._step.kind].slot:
            at_once = min(at_once, self._engine.slots.limit)
        if self._step.runs_on is not None:
            at_once = min(at_once, _OUT_AT_ONCE)
        pending = iter(range(len(items)))
        if at_once <= 1 or KINDS[self._step.kind].immediate:
            await self._work(address, items, pending)
            return
        loop = asyncio.get_running_loop()
        self._workers = [loop.create_task(self._work(address, items, pending)) for _ in range(at_once)]
        try:
            done, _ = await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
            for worker in done:
                if not worker.cancelled():
                    worker.result()
        finally:
            await self._stop_workers()

    async def _stop_workers(self) -> None:
        alive = [worker for worker in self._workers if not worker.done()]
        for worker in alive:
            worker.cancel()
        if alive:
            await asyncio.wait(alive)
        for worker in self._workers:
            if not worker.cancelled():
                worker.exception()  # the first one is raised; the others must not be printed by asyncio

    async def _work(self, address: Address, items: list[Json], pending: Iterator[int]) -> None:
        engine, frame, step, name = self._engine, self._frame, self._step, self._spec.name
        for index in pending:
            if self._halted or engine.control.stop is not None:
                return
            names = {**frame.names, name: items[index], "index": index}
            place = nth(address, index)
            work = run_series(engine, frame, step, place, (names, index), self._bill)
            outcome = await fenced(engine.services, step, place, work)
            self._outcomes[index] = outcome
            if isinstance(outcome, Waiting):
                return  # it is still in progress: whoever works on it takes no other item
            if not isinstance(outcome, Succeeded):
                self._note(outcome)
            if index % 100 == 99:
                await asyncio.sleep(0)  # items that never wait must not keep the loop from the others

    def _note(self, outcome: StepOutcome) -> None:
        mode = self._spec.on_item_failure
        self._frame.steps.ended |= isinstance(outcome, Ended)
        if isinstance(outcome, Ended) or (isinstance(outcome, Failed) and mode != "continue"):
            self._halted = True
        if isinstance(outcome, Ended) or (isinstance(outcome, Failed) and mode == "cancel"):
            current = asyncio.current_task()
            for worker in self._workers:
                if worker is not current:
                    worker.cancel()

    def _collect(self, items: list[Json]) -> StepOutcome:
        outcomes = self._outcomes
        ended = next((o for o in outcomes.values() if isinstance(o, Ended)), None)
        if ended is not None:
            return replace(ended, output=None if ended.failed else self._outputs(items), case=None)
        failures = tuple(
            ItemFailure(index, items[index], replace(outcome.failure, detail=None))
            for index, outcome in sorted(outcomes.items())
            if isinstance(outcome, Failed)
        )
        succeeded = sum(1 for outcome in outcomes.values() if isinstance(outcome, Succeeded))
        if failures and (self._spec.on_item_failure != "continue" or not succeeded):
            return Failed(_summary(failures, len(items), len(outcomes)), errors=failures)
        waiting = next((o for o in outcomes.values() if isinstance(o, Waiting)), None)
        if waiting is not None:
            return waiting
        if len(outcomes) < len(items):
            stop = self._engine.control.stop
            return Failed(Failure(stop.reason if stop else "cancelled", "the run was stopped"), errors=failures)
        return Succeeded(self._outputs(items), errors=failures)

    def _outputs(self, items: list[Json]) -> list[Json]:
        """In the list's order; null for an item without one."""
        outcomes = self._outcomes
        return [o.output if isinstance(o := outcomes.get(index), Succeeded) else None for index in range(len(items))]

    def _collected(self, address: Address, outcome: StepOutcome, started: float) -> StepOutcome:
        if isinstance(outcome, Waiting):
            return outcome
        clock = self._engine.services.clock
        took = clock.monotonic() - started
        if isinstance(outcome, Failed):
            cause = outcome.failure
            tolerated = self._step.on_error != "fail"
            event = StepCollected(
                clock.now(), address, "failed", took, cause.kind, cause.message, outcome.errors, tolerated
            )
        elif isinstance(outcome, Ended) and outcome.failed:
            cause = outcome.failure.told()
            event = StepCollected(clock.now(), address, "failed", took, cause.kind, cause.message)
        else:
            errors = outcome.errors if isinstance(outcome, Succeeded) else ()
            event = StepCollected(clock.now(), address, "succeeded", took, errors=errors)
        self._engine.services.emit(event)
        return outcome


class Loop:
    """One ``repeat``: iterations until its condition holds."""

    def __init__(self, engine: Engine, frame: Frame, step: PlannedStep, spec: PlannedRepeat, bill: Bill) -> None:
        self._engine = engine
        self._frame = frame
        self._step = step
        self._spec = spec
        self._bill = bill
        self._said: ChainMap[str, object] = ChainMap({}, frame.conversations)

    async def run(self, address: Address, names: Names, item: int | None) -> StepOutcome:
        """Iterate; the output is the last iteration's."""
        spec, services, step = self._spec, self._engine.services, self._step
        started = services.clock.monotonic()
        services.emit(StepExpanded(services.clock.now(), address, step.id, step.kind, "repeat", spec.max_iterations))
        outcome: StepOutcome = Succeeded(None)
        previous: Json = None
        began = 0.0
        for iteration in range(spec.max_iterations):
            if iteration and spec.every_s:
                place = nth(address, iteration)
                if not await self._pace(place, began + spec.every_s):
                    return Waiting("wait", place)
            began = services.clock.now()
            outcome, over = await self._iterate(address, self._bound(names, iteration, previous), (item, iteration))
            if over:
                return outcome
            previous = outcome.output if isinstance(outcome, Succeeded) else None
        if spec.until is None or spec.on_exhausted == "continue":
            return outcome
        message = f'"until" did not hold after {spec.max_iterations} iterations'
        return self._failed(address, Failure("exhausted", message), started)

    async def _pace(self, address: Address, until: float) -> bool:
        """Wait for the next iteration's time; an iteration whose time came in an earlier life is not waited for.

        False where that is too long: the run saves itself.
        """
        services = self._engine.services
        asked = f"every {self._spec.every_s:g}"
        began = services.recorded.waits.get(address)
        if began is not None and began.fingerprint in (asked, ""):
            until = began.until
        if until > services.clock.now():
            await services.durable(WaitStarted(services.clock.now(), address, until, asked))
        return await services.patience.until(until, services.clock)

    async def _iterate(self, address: Address, names: Names, where: tuple[int | None, int]) -> tuple[StepOutcome, bool]:
        item, iteration = where
        started = self._engine.services.clock.monotonic()
        attempts = Attempts(self._engine, self._frame, self._step, nth(address, iteration), self._bill, self._said)
        outcome = await attempts.run(names, item, iteration)
        if not isinstance(outcome, Succeeded) or self._engine.control.stop is not None:
            return outcome, True
        if self._spec.until is None:
            return outcome, False
        try:
            return outcome, holds(self._spec.until, {**(attempts.inner_names or names), "output": outcome.output})
        except StepError as error:
            return self._failed(address, Failure(error.kind, f'"until": {error}'), started), True

    def _failed(self, address: Address, failure: Failure, started: float) -> Failed:
        """The loop fails although its last iteration did not; a retry around it begins it anew."""
        clock, kept = self._engine.services.clock, self._frame.kept
        for done in [place for place in kept or () if place.startswith(f"{address}[")]:
            assert kept is not None
            del kept[done]
        took = clock.monotonic() - started
        self._engine.services.emit(
            StepCollected(
                clock.now(), address, "failed", took, failure.kind, failure.message, (), tolerates(self._step)
            )
        )
        return Failed(failure)

    def _bound(self, names: Names, iteration: int, previous: Json) -> Names:
        if self._spec.name is not None:
            return {**names, self._spec.name: {"iteration": iteration + 1, "previous": previous}}
        return {**names, "iteration": iteration + 1, "previous": previous}


def run_series(
    engine: Engine, frame: Frame, step: PlannedStep, address: Address, scope: tuple[Names, int | None], bill: Bill
) -> Coroutine[object, object, StepOutcome]:
    """Execute one item, or the step itself: here, or where its workers are."""
    places = engine.services.places
    if places is None or step.runs_on is None or not places.takes(step.runs_on):
        return run_here(engine, frame, step, address, scope, bill)
    from nano_flow.runtime.execution.placed import run_placed

    return run_placed(engine, frame, step, address, scope, bill)


def run_here(
    engine: Engine, frame: Frame, step: PlannedStep, address: Address, scope: tuple[Names, int | None], bill: Bill
) -> Coroutine[object, object, StepOutcome]:
    """Execute one item (``scope`` is its names and index), or the step itself: a loop, or once."""
    names, item = scope
    if step.repeat is not None:
        return Loop(engine, frame, step, step.repeat, bill).run(address, names, item)
    return Attempts(engine, frame, step, address, bill).run(names, item, None)


def read_list(spec: PlannedForEach, names: Names, read_file: Callable[[str], bytes]) -> list[Json]:
    """The items of a fan-out. StepError where there is no list, or it is too long."""
    rows = spec.rows
    value = value_of(spec.over, names) if rows is None else rows_of(as_text(value_of(rows, names)), read_file)
    if not isinstance(value, list):
        kind = "null" if value is None else type(value).__name__
        raise StepError("for_each", f'"for_each" needs a list, it got {kind}: {as_text(value)[:_LABEL]}')
    if len(value) > spec.max_items:
        raise StepError(
            "max_items", f'"for_each" got {len(value)} items, "max_items" is {spec.max_items}: raise it on this step'
        )
    return value


def _summary(failures: tuple[ItemFailure, ...], total: int, started: int) -> Failure:
    first = failures[0]
    label = as_text(first.item)
    shown = label if len(label) <= _LABEL else label[: _LABEL - 1] + "…"
    rest = f"; {total - started} were stopped or not started" if started < total else ""
    message = f"{len(failures)} of {total} items failed{rest}; item {first.index} ({shown}): {first.failure.message}"
    provider = any(f.failure.provider for f in failures)
    return Failure(first.failure.kind, message, provider, first.failure.address)
