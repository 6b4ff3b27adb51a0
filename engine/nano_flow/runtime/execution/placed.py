"""Executions that another process does: put into an order here, taken back as if they had been done here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import cast

from nano_flow.core.messages import Json
from nano_flow.core.outcomes import StepOutcome, StopReason, Succeeded, Waiting
from nano_flow.core.refs import Address
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import PlannedStep
from nano_flow.runtime.execution.engine import Engine
from nano_flow.runtime.execution.settled import asked_of, digest_above
from nano_flow.runtime.limits import Stop
from nano_flow.runtime.scope import Bill, Frame
from nano_flow.steps.context import Done
from nano_flow.steps.conversation.prompts import read_said, said_json
from nano_flow.steps.order import Names, Order, plain
from nano_flow.steps.placing import Carriage, PlacedOrder, PlacedResult
from nano_flow.steps.table import KINDS

_ASK_AGAIN_S = 2.0
"""How often an execution that waits is looked after, where the run stays however long it takes."""


async def run_placed(
    engine: Engine, frame: Frame, step: PlannedStep, address: Address, scope: tuple[Names, int | None], bill: Bill
) -> StepOutcome:
    """Let a worker execute one item, or the step itself; its events come by themselves."""
    if frame.kept is not None and address in frame.kept:
        return frame.kept[address].outcome
    await engine.services.before_work()
    carriage = _carriage(engine, frame, step, address, scope)
    while True:
        result = await _carried(engine, step, carriage)
        outcome = _absorbed(engine, frame, step, address, result, bill)
        if not isinstance(outcome, Waiting) or not engine.services.patience.endless or engine.control.stop is not None:
            return outcome
        await engine.services.clock.sleep(_ASK_AGAIN_S)


async def _carried(engine: Engine, step: PlannedStep, carriage: Carriage) -> PlacedResult:
    places = engine.services.places
    assert places is not None
    with engine.services.patience.at_work():
        if not KINDS[step.kind].slot:
            return await places.execute(carriage)
        async with engine.slots:
            return await places.execute(carriage)


def _carriage(
    engine: Engine, frame: Frame, step: PlannedStep, address: Address, scope: tuple[Names, int | None]
) -> Carriage:
    names, item = scope
    own = {name: value for name, value in names.items() if item is not None and name not in frame.names}
    # An item's name may hide one of the frame's.
    if item is not None and step.for_each is not None:
        own |= {step.for_each.name: names[step.for_each.name], "index": names["index"]}
    order = Order(frame.plan.digest, step.path, address, own, frame.budgets, frame.generation)
    placed = PlacedOrder(
        step.runs_on or "",
        order,
        step.digest,
        asked_of(step, names, frame.generation, frame.above),
        digest_above(frame.above),
        item,
        engine.count.left,
        _kept_inside(frame, address),
        _conversations(frame, step),
        tuple(sorted(scope for scope in frame.budgets if scope in engine.pausing)),
    )

    def stop() -> Mapping[str, Json] | None:
        ordered = engine.control.stop
        return None if ordered is None else _stop_json(ordered)

    shown = _Shown(frame, step)
    return Carriage(placed, shown.name(), shown.names, frame.plan.limits.queue_s, stop)


class _Shown:
    """What an execution sees of what is around it, and what all items of a fan-out share."""

    def __init__(self, frame: Frame, step: PlannedStep) -> None:
        self._frame = frame
        self._step = step

    def name(self) -> str:
        """The same for all items of a fan-out, another one for the next attempt of what is around it."""
        frame = self._frame
        text = f"{frame.address}\0{self._step.path}\0{self._step.digest}\0{frame.generation}\0{id(frame)}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def names(self) -> Mapping[str, Json]:
        """The names of the frame; of steps only those that this one, or what it stands in, can name."""
        step, steps = self._step, self._frame.steps
        wanted = {*step.needs, *step.references}
        for outer, _ in self._frame.above:
            wanted |= {*outer.needs, *outer.references}
        found = {name: value for name, value in self._frame.names.items() if name != "steps"}
        secret = {name for name, declared in self._frame.plan.inputs.items() if declared.secret}
        if secret and isinstance(inputs := found.get("inputs"), Mapping):
            found["inputs"] = {name: value for name, value in inputs.items() if name not in secret}
        shared = plain(found)
        assert isinstance(shared, dict)
        shared["steps"] = {name: plain(steps[name]) for name in sorted(wanted) if name in steps}
        return shared


def _kept_inside(frame: Frame, address: Address) -> Mapping[str, PlacedResult] | None:
    if frame.kept is None:
        return None
    inside = (f"{address}.", f"{address}[")
    return {
        str(place): PlacedResult(done.outcome, done.model, done.cost)
        for place, done in frame.kept.items()
        if place.startswith(inside)
    }


def _conversations(frame: Frame, step: PlannedStep) -> Mapping[str, Json] | None:
    """What it may go on with: of a prompt the conversation that it names, of what holds others all that are known."""
    spec = step.spec
    names = [spec.conversation] if isinstance(spec, PlannedPrompt) else list(frame.conversations)
    if isinstance(spec, PlannedPrompt) and spec.conversation is None:
        return None
    found = {name: said_json(frame.conversations.get(name)) for name in names if name is not None}
    return {name: said for name, said in found.items() if said is not None} or None


def _absorbed(
    engine: Engine, frame: Frame, step: PlannedStep, address: Address, result: PlacedResult, bill: Bill
) -> StepOutcome:
    bill.add(Bill(result.model, result.cost, result.fresh))
    engine.count.took(result.started)
    if frame.kept is not None:
        for place, done in (result.kept or {}).items():
            if isinstance(done.outcome, Succeeded):
                frame.kept[Address(place)] = Done(done.outcome, done.model, done.cost)
        if isinstance(result.outcome, Succeeded):
            frame.kept[address] = Done(result.outcome, result.model, result.cost)
    if result.conversation is not None and step.for_each is None:
        frame.conversations[step.id] = read_said(result.conversation)
    if result.stop is not None:
        engine.control.order(read_stop(result.stop))
    return result.outcome


def _stop_json(stop: Stop) -> dict[str, Json]:
    return {"reason": stop.reason, "address": stop.address, "message": stop.message, "pause": stop.pause}


def stop_json(stop: Stop | None) -> Mapping[str, Json] | None:
    """The order to stop as plain data."""
    return None if stop is None else _stop_json(stop)


def read_stop(data: Mapping[str, Json]) -> Stop:
    """What ``stop_json`` made."""
    reason = cast(StopReason, str(data.get("reason", "interrupt")))
    return Stop(reason, str(data.get("address", "")), str(data.get("message", "")), data.get("pause") is True)
