"""A run from its first event to its last: what it is given, what stops it, how it ends."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field

from nano_flow.core.calls import turn_and_sample
from nano_flow.core.errors import LimitReached
from nano_flow.core.events import Event, NoticeGiven, RunFinished, RunStarted
from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.core.outcomes import Failed, Failure, RunStatus, StepOutcome, StopReason, Succeeded, Waiting
from nano_flow.core.refs import ROOT
from nano_flow.core.text import duration_text, rfc3339
from nano_flow.documents.workflow import USUAL_PARALLEL, USUAL_STEPS
from nano_flow.plan.plan import Plan
from nano_flow.ports import Clock
from nano_flow.runtime.execution.engine import Engine
from nano_flow.runtime.execution.nested import NestedGraphs
from nano_flow.runtime.limits import Control, Slots, StepCount, Stop, watch_active_time
from nano_flow.runtime.takeover import Takeover
from nano_flow.steps.context import Services

_CANCEL_POLL_S = 0.25
"""How often somebody else's wish to cancel the run is looked up."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run. ``created_at`` is the start of the run's first life; ``active_s`` what earlier lives used up."""

    run_id: str
    plan: Plan
    inputs: Mapping[str, Json]
    created_at: float
    policy: Mapping[str, Json]
    simulated: bool = False
    resumed: bool = False
    first: tuple[Event, ...] = ()
    """Told before anything else: what a resume does again."""
    active_s: float = 0.0
    max_parallel: int | None = None
    trace: Mapping[str, Json] = field(default_factory=dict)
    """``RunTrace.to_json``: this life's place in a distributed trace."""
    cancel_requested: Callable[[], bool] | None = None
    takeover: Takeover | None = None
    """Where the run is taken over only to be cancelled."""
    on_control: Callable[[Control], None] | None = None
    """Called with the run's ``Control`` before it starts: signal handlers hold on to it."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run, or one life of it, ended."""

    status: RunStatus
    outputs: Json = None
    failure: Failure | None = None
    stop: Stop | None = None

    @property
    def reason(self) -> StopReason | None:
        """``stop.reason`` of the run's JSON."""
        if self.stop is not None:
            return self.stop.reason
        return "provider" if self.failure is not None and self.failure.provider else None


async def run_plan(order: RunOrder, services: Services) -> RunEnd:
    """Run a plan to its end, or until something stops it.

    Raises StoreError when the journal breaks: nothing is paid after that. Cancelling it pauses the run.
    """
    clock = services.clock
    started = clock.monotonic()
    plan = order.plan
    services.emit(
        RunStarted(
            at=clock.now(),
            run_id=order.run_id,
            workflow=plan.name,
            file=plan.file,
            plan_digest=plan.digest,
            inputs=order.inputs,
            policy=order.policy,
            simulated=order.simulated,
            resumed=order.resumed,
            budget=plan.limits.budget.usd,
            trace=order.trace,
        )
    )
    for event in (*order.first, *_unknown_calls(services)):
        services.emit(event)
    end = await _supervised(order, services)
    failure, stop = end.failure, end.stop
    services.emit(
        RunFinished(
            clock.now(),
            end.status,
            end.outputs,
            failure.message if failure else None,
            end.reason,
            stop.address if stop else None,
            clock.monotonic() - started,
        )
    )
    return end


def _unknown_calls(services: Services) -> Iterator[NoticeGiven]:
    """Names each call that was sent before a crash and whose result nobody knows."""
    for intent in services.recorded.unknown_calls:
        turn, sample = turn_and_sample(intent.turn)
        which = f"turn {turn}, sample {sample}" if sample else f"turn {turn}"
        message = (
            f"the result of a call of {intent.model} ({which}) is unknown since the run was killed: "
            f"its worst case, ${usd(intent.reserved)}, counts as spent"
        )
        yield NoticeGiven(services.clock.now(), intent.address, message)


async def _supervised(order: RunOrder, services: Services) -> RunEnd:
    control = Control()
    limits = order.plan.limits
    slots = Slots(order.max_parallel or limits.max_parallel or USUAL_PARALLEL, services.clock, order.active_s)
    run_names: dict[str, Json] = {"id": order.run_id, "started_at": rfc3339(order.created_at)}
    engine = Engine(services, control, slots, StepCount(USUAL_STEPS if limits.steps is None else limits.steps))
    engine.nested = nested = NestedGraphs(engine, run_names)
    if limits.budget.on_exceed == "pause":
        engine.pausing.add("")
    frame = nested.root(order.plan, order.inputs, ROOT, ("",), 0)
    root = asyncio.get_running_loop().create_task(nested.run(frame))
    control.cancel = functools.partial(_cancel, root)
    if order.on_control is not None:
        order.on_control(control)
    watchers = [asyncio.ensure_future(watcher) for watcher in _watchers(order, services, slots, control)]
    try:
        outcome = await asyncio.shield(root)
    except asyncio.CancelledError:
        if not root.done():  # whoever awaits the run is being cancelled: keep what is done, then let go
            control.order_now(Stop("interrupt", "", "interrupted", pause=True))
            await asyncio.wait([root])
        return _stopped(control)
    except LimitReached as error:
        return RunEnd("failed", failure=Failure("limit", str(error)), stop=Stop("limit", "", str(error)))
    finally:
        for watcher in watchers:
            watcher.cancel()
    return _ended(outcome, control)


def _watchers(
    order: RunOrder, services: Services, slots: Slots, control: Control
) -> Iterator[Coroutine[object, object, None]]:
    limit_s = order.plan.limits.timeout_s
    if limit_s is not None:
        yield watch_active_time(slots, limit_s, services.clock, functools.partial(_out_of_time, limit_s, control))
    if order.takeover is not None:
        yield order.takeover.cancel(control, services.clock)
    if order.cancel_requested is not None:
        yield _watch_cancel(order.cancel_requested, services.clock, control)


async def _watch_cancel(requested: Callable[[], bool], clock: Clock, control: Control) -> None:
    while not requested():
        await clock.sleep(_CANCEL_POLL_S)
    control.order_now(Stop("cancelled", "", 'the run was cancelled with "nano-flow runs cancel"'))


def _out_of_time(limit_s: float, control: Control) -> None:
    if not control.ending:
        message = f'the run was active for {duration_text(limit_s)}, its "limits.timeout"'
        control.order_now(Stop("limit", "", message))


def _cancel(task: asyncio.Task[StepOutcome]) -> None:
    task.cancel()


def _ended(outcome: StepOutcome, control: Control) -> RunEnd:
    if isinstance(outcome, Succeeded):
        return RunEnd("succeeded", outcome.output)
    if isinstance(outcome, Waiting):
        stop = Stop(outcome.reason, outcome.address, outcome.detail, pause=True)
        return RunEnd("paused", stop=control.stop or stop)
    if control.stop is not None:
        return _stopped(control, outcome.failure if isinstance(outcome, Failed) else None)
    return RunEnd("failed", failure=outcome.failure if isinstance(outcome, Failed) else Failure("error", "skipped"))


def _stopped(control: Control, failure: Failure | None = None) -> RunEnd:
    stop = control.stop or Stop("interrupt", "", "interrupted", pause=True)
    if stop.pause:
        return RunEnd("paused", stop=stop)
    status: RunStatus = "cancelled" if stop.reason == "cancelled" else "failed"
    return RunEnd(status, failure=failure or Failure(stop.reason, stop.message), stop=stop)
