"""An execution that another process ordered, done here with all its modifiers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from nano_flow.core.messages import Json
from nano_flow.core.outcomes import StepOutcome, Succeeded
from nano_flow.core.refs import Address
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep
from nano_flow.runtime.execution.engine import Engine
from nano_flow.runtime.execution.fence import fenced
from nano_flow.runtime.execution.many import run_here
from nano_flow.runtime.execution.nested import NestedGraphs
from nano_flow.runtime.execution.placed import stop_json
from nano_flow.runtime.limits import Control, Slots, StepCount, Stop
from nano_flow.runtime.scope import Bill, Frame, StepsView
from nano_flow.steps.context import Above, Done, Kept, Services
from nano_flow.steps.conversation.prompts import read_said, said_json
from nano_flow.steps.order import Names
from nano_flow.steps.placing import PlacedOrder, PlacedResult


class Carrier:
    """Does one order. ``control`` stops it; cancelling ``run`` stops it at once."""

    def __init__(self, services: Services, slots: Slots, placed: PlacedOrder) -> None:
        self.control = Control()
        self.ordered = False
        """True once its owner had it stopped."""
        self._task: asyncio.Task[object] | None = None
        self._placed = placed
        self._engine = Engine(services, self.control, slots, StepCount(placed.starts))
        self._engine.pausing |= set(placed.pausing)

    async def run(self, plan: Plan, step: PlannedStep, shared: Mapping[str, Json]) -> PlacedResult:
        """What became of it. ``shared`` are the names that its items have in common."""
        engine, placed = self._engine, self._placed
        self._task = asyncio.current_task()
        if self.ordered:
            raise asyncio.CancelledError
        names = _names(shared, placed.order.names)
        run_names = shared.get("run")
        engine.nested = NestedGraphs(engine, _without_status(run_names))
        frame = _frame(plan, step, placed, names)
        address, bill = placed.order.address, Bill()
        given = dict(frame.kept or {})
        work = run_here(engine, frame, step, address, (names, placed.item), bill)
        outcome = await fenced(engine.services, step, address, work)
        return self._result(frame, step, outcome, bill, given)

    def stop(self, stop: Stop | None) -> None:
        """Stop it as its owner says: with the run, or, where there is no ``stop``, because others failed."""
        self.ordered = True
        if stop is not None:
            self.control.order(stop)
        if self._task is not None:
            self._task.cancel()

    def _result(
        self, frame: Frame, step: PlannedStep, outcome: StepOutcome, bill: Bill, given: Mapping[Address, Done]
    ) -> PlacedResult:
        fresh = {} if frame.kept is None else {a: done for a, done in frame.kept.items() if a not in given}
        return PlacedResult(
            outcome,
            bill.model,
            bill.cost,
            bill.fresh,
            self._engine.count.started,
            {str(a): PlacedResult(done.outcome, done.model, done.cost) for a, done in fresh.items()} or None,
            said_json(frame.conversations.get(step.id)) if step.for_each is None else None,
            stop_json(self.control.stop),
        )


def _names(shared: Mapping[str, Json], own: Names) -> dict[str, object]:
    steps = StepsView(PlannedGraph(()), None)
    records = shared.get("steps")
    for step_id, record in records.items() if isinstance(records, dict) else ():
        if isinstance(record, dict):
            steps.settle(step_id, record)
    return {**shared, **own, "steps": steps}


def _frame(plan: Plan, step: PlannedStep, placed: PlacedOrder, names: dict[str, object]) -> Frame:
    steps = names["steps"]
    assert isinstance(steps, StepsView)
    order = placed.order
    kept: Kept | None = None
    if placed.kept is not None:
        kept = {
            Address(place): Done(done.outcome, done.model, done.cost)
            for place, done in placed.kept.items()
            if isinstance(done.outcome, Succeeded)
        }
    return Frame(
        plan,
        PlannedGraph((step,)),
        _around(order.address),
        names,
        steps,
        order.budgets,
        order.generation,
        kept=kept,
        above=_stand_in(step, placed.above),
        conversations={name: read_said(said) for name, said in (placed.conversations or {}).items()},
    )


def _stand_in(step: PlannedStep, digest: str) -> Above:
    """What it stands in was not sent: its digest is enough to tell whether a result was of the same question."""
    if not digest:
        return ()
    return ((replace(step, digest=digest, needs=(), references=(), for_each=None), {}),)


def _around(address: Address) -> Address:
    whole = address[: address.rfind("[")] if address.endswith("]") else str(address)
    return Address(whole.rpartition(".")[0])


def _without_status(names: Json) -> Mapping[str, Json]:
    return {name: value for name, value in names.items() if name != "status"} if isinstance(names, dict) else {}
