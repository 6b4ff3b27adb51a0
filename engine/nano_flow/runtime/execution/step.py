"""One step of one graph, from its condition to its outcome."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.core.errors import StepError
from nano_flow.core.events import StepFailed, StepFinished, StepStarted
from nano_flow.core.outcomes import Failed, Failure, Skipped, StepOutcome, Succeeded
from nano_flow.core.refs import Address, child
from nano_flow.plan.plan import PlannedStep
from nano_flow.runtime.execution.attempt import Attempts
from nano_flow.runtime.execution.engine import Engine, holds, value_of
from nano_flow.runtime.execution.fence import told
from nano_flow.runtime.execution.many import FanOut, run_series
from nano_flow.runtime.scheduler import skip_event
from nano_flow.runtime.scope import Bill, Frame
from nano_flow.steps.context import Done
from nano_flow.steps.kind import ExecuteNow
from nano_flow.steps.table import KINDS


async def run_step(engine: Engine, frame: Frame, step: PlannedStep) -> StepOutcome:
    """Run a step whose joins admit it: ``when``, then its items, then ``on_error``."""
    bill, address = Bill(), child(frame.address, step.id)
    outcome = await run_body(engine, frame, step, address, bill)
    if frame.kept is not None and isinstance(outcome, Succeeded):
        frame.kept[address] = Done(outcome, bill.model, bill.cost)
    return engine.settle(frame, step, outcome, bill)


async def run_body(engine: Engine, frame: Frame, step: PlannedStep, address: Address, bill: Bill) -> StepOutcome:
    """The same at a given address, without making the outcome visible: also for the case of a switch."""
    outcome = await _admitted(engine, frame, step, address, bill)
    return _recovered(engine, frame, step, address, outcome)


async def _admitted(engine: Engine, frame: Frame, step: PlannedStep, address: Address, bill: Bill) -> StepOutcome:
    try:
        outcome = _condition(engine, frame, step, address)
        if outcome is not None:
            return outcome
        if step.for_each is not None:
            return await FanOut(engine, frame, step, step.for_each, bill).run(address)
        return await run_series(engine, frame, step, address, (frame.names, None), bill)
    except Exception as error:
        if (failed := told(engine.services, step, address, error)) is not None:
            return failed
        raise


def run_now(engine: Engine, frame: Frame, step: PlannedStep) -> StepOutcome | None:
    """Run a step that only computes, without a task; None where it has to be awaited."""
    kind = KINDS[step.kind]
    if kind.execute_now is None or step.for_each or step.repeat or step.retry or step.timeout_s:
        return None
    address, bill = child(frame.address, step.id), Bill()
    attempts = Attempts(engine, frame, step, address, bill)
    outcome = _recovered(engine, frame, step, address, _computed(engine, frame, step, attempts, kind.execute_now))
    if frame.kept is not None and isinstance(outcome, Succeeded):
        frame.kept[address] = Done(outcome)
    return engine.settle(frame, step, outcome, bill)


def _computed(engine: Engine, frame: Frame, step: PlannedStep, attempts: Attempts, execute: ExecuteNow) -> StepOutcome:
    try:
        return _condition(engine, frame, step, attempts.address) or attempts.run_now(frame.names, execute)
    except Exception as error:
        if (failed := told(engine.services, step, attempts.address, error)) is not None:
            return failed
        raise


def _recovered(engine: Engine, frame: Frame, step: PlannedStep, address: Address, outcome: StepOutcome) -> StepOutcome:
    if not isinstance(outcome, Failed):
        return outcome
    try:
        return recover(engine, frame, step, address, outcome)
    except Exception as error:
        if (failed := told(engine.services, step, address, error)) is not None:
            return failed
        raise


def recover(engine: Engine, frame: Frame, step: PlannedStep, address: Address, outcome: StepOutcome) -> StepOutcome:
    """Apply ``on_error``; a run that is stopped is not recovered."""
    if not isinstance(outcome, Failed) or step.on_error == "fail" or engine.control.stop is not None:
        return outcome
    if step.on_error == "continue":
        return replace(outcome, tolerated=True)
    try:
        output = value_of(step.on_error_output, frame.names)
    except StepError as error:
        return Failed(Failure(error.kind, f'"on_error": {error}'), errors=outcome.errors)
    if step.for_each is None:
        now = engine.services.clock.now()
        engine.services.emit(StepFinished(now, address, output, 0.0, recovered=outcome.failure.message))
    return Succeeded(output, errors=outcome.errors, recovered=outcome.failure)


def _condition(engine: Engine, frame: Frame, step: PlannedStep, address: Address) -> StepOutcome | None:
    if step.when is None:
        return None
    try:
        if holds(step.when, frame.names):
            return None
    except StepError as error:
        clock, emit = engine.services.clock, engine.services.emit
        emit(StepStarted(clock.now(), address, step.id, step.kind))
        emit(StepFailed(clock.now(), address, "condition", str(error), 0.0, step.on_error != "fail"))
        return Failed(Failure("condition", str(error)))
    skipped = Skipped("condition", step.when.source)
    engine.services.emit(skip_event(address, step, skipped, engine.services.clock.now()))
    return skipped
