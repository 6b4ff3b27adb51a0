"""Graphs inside steps: groups, the cases of a switch, sub-workflows, and the handlers at their ends."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Mapping

from nano_flow.core.errors import LimitReached, StepError
from nano_flow.core.events import HandlersStarted, NoticeGiven
from nano_flow.core.messages import Json
from nano_flow.core.outcomes import Ended, Failed, Failure, RunStatus, StepOutcome, Succeeded, Waiting
from nano_flow.core.refs import Address, child
from nano_flow.core.text import duration_text
from nano_flow.gateway.sending.deadlines import counted
from nano_flow.plan.plan import Plan, PlannedBudget, PlannedGraph, PlannedLimits, PlannedStep, Value
from nano_flow.runtime.execution.engine import Engine, value_of
from nano_flow.runtime.execution.fence import Fence
from nano_flow.runtime.execution.step import run_body, run_now, run_step
from nano_flow.runtime.limits import Control, Slots, StepCount, Stop, active_before, active_timeout
from nano_flow.runtime.scheduler import GraphRun
from nano_flow.runtime.scope import Bill, Frame, StepsView, failure_names, record_of
from nano_flow.runtime.state import GraphState
from nano_flow.steps.context import Execution, Services
from nano_flow.steps.order import Names


class NestedGraphs:
    """Implements ``steps.context.Nested`` on the engine of a run."""

    def __init__(self, engine: Engine, run_names: Mapping[str, Json]) -> None:
        self._engine = engine
        self._run_names = run_names

    async def graph(self, graph: PlannedGraph, execution: Execution) -> StepOutcome:
        """Run a group; its inner steps see the scope of ``execution``."""
        outer = execution.names["steps"]
        steps = StepsView(graph, outer if isinstance(outer, StepsView) else None)
        frame = Frame(
            plan=execution.plan,
            graph=graph,
            address=execution.address,
            names={**execution.names, "steps": steps},
            steps=steps,
            budgets=execution.budgets,
            generation=execution.generation,
            conversations=execution.conversations,
            kept=execution.kept,
            above=execution.above,
        )
        execution.inner_names = frame.names
        outcome = await self._run(frame, execution.step.timeout_s)
        self._charge(frame, execution)
        if isinstance(outcome, Ended):
            by_then = None if outcome.failed else finished(outcome, frame)
            output = by_then.output if isinstance(by_then, Succeeded) else None
            return dataclasses.replace(outcome, output=output, case=None)
        return outcome

    async def case(self, step: PlannedStep, execution: Execution) -> StepOutcome:
        """Run the case of a switch in its place."""
        outer = execution.names["steps"]
        steps = outer if isinstance(outer, StepsView) else StepsView(PlannedGraph(()), None)
        frame = Frame(
            plan=execution.plan,
            graph=PlannedGraph((step,)),
            address=execution.address,
            names=execution.names,
            steps=steps,
            budgets=execution.budgets,
            generation=execution.generation,
            conversations=execution.conversations,
            kept=execution.kept,
            above=execution.above,
        )
        bill = Bill()
        outcome = await run_body(self._engine, frame, step, execution.address, bill)
        frame.bill.add(bill)
        self._charge(frame, execution)
        return outcome

    async def workflow(self, plan: Plan, inputs: Mapping[str, Json], execution: Execution) -> StepOutcome:
        """Run another workflow with a scope of its own, in the workspace of the one that calls it."""
        plan = dataclasses.replace(plan, workspace=execution.plan.workspace)
        frame = self.root(plan, inputs, execution.address, execution.budgets, execution.generation)
        frame = dataclasses.replace(frame, kept=execution.kept, above=execution.above)
        around = execution.names["steps"]
        frame.steps.above = around if isinstance(around, StepsView) else None
        inside = self._within(plan.limits, execution.address)
        outcome = await inside._run(frame, execution.step.timeout_s, plan.limits.timeout_s)
        self._charge(frame, execution)
        if isinstance(outcome, Ended):
            return finished(outcome, frame)
        return outcome

    def _within(self, limits: PlannedLimits, address: Address) -> NestedGraphs:
        """The same under the bounds of a sub-workflow besides those around it: the tighter of both holds."""
        engine, recorded = self._engine, self._engine.services.recorded
        slots, count = engine.slots, engine.count
        if limits.max_parallel is not None or limits.timeout_s is not None:
            before = 0.0 if limits.timeout_s is None else active_before(recorded, address)
            over = address in recorded.finished  # it ended in time: it is only replayed
            most = limits.max_parallel or slots.limit
            slots = Slots(most, engine.services.clock, 0.0 if over else before, outer=slots)
        if limits.steps is not None:
            count = StepCount(limits.steps, scope=address, outer=count)
        if slots is engine.slots and count is engine.count:
            return self
        inner = dataclasses.replace(engine, slots=slots, count=count)
        inner.nested = nested = NestedGraphs(inner, self._run_names)
        return nested

    def root(
        self, plan: Plan, inputs: Mapping[str, Json], address: Address, budgets: tuple[str, ...], generation: int
    ) -> Frame:
        """The frame of a whole workflow."""
        own = plan.limits.budget
        if address and (own.usd is not None or own.tokens is not None):
            key = f"{address}#workflow{generation or ''}"
            self._engine.services.open_budget(key, own)
            budgets = (*budgets, key)
            if own.on_exceed == "pause":
                self._engine.pausing.add(key)
        steps = StepsView(plan.graph, None)
        environ = self._engine.services.environ
        names: dict[str, object] = {
            "inputs": inputs,
            "env": {name: environ.get(name) for name in plan.env},
            "run": {**self._run_names, "status": "running"},
            "steps": steps,
        }
        return Frame(plan, plan.graph, address, names, steps, budgets, generation)

    async def run(self, frame: Frame) -> StepOutcome:
        """Run the whole workflow of ``frame`` with its handlers."""
        outcome = await self._run(frame, None)
        return finished(outcome, frame) if isinstance(outcome, Ended) else outcome

    async def _run(self, frame: Frame, timeout_s: float | None, active_s: float | None = None) -> StepOutcome:
        """Run a graph and, when it ends, its handlers: they are under neither of its timeouts."""
        engine, clock = self._engine, self._engine.services.clock
        fence = Fence(engine.services, frame.address)
        try:
            async with clock.timeout(timeout_s) as deadline:
                with counted(deadline):
                    async with active_timeout(engine.slots, active_s, clock, frame.address):
                        with fence:
                            outcome, state = await self._graph(frame)
        except TimeoutError:
            return await self._late(frame, Failure("timeout", f"no result within {duration_text(timeout_s or 0.0)}"))
        except LimitReached as error:
            if active_s is None:
                raise
            return await self._late(frame, Failure("limit", str(error)))
        except asyncio.CancelledError:
            stop = self._engine.control.stop
            if stop is None or not stop.pause:
                await self._cancelled(frame, stop)
            raise
        if fence.failed is not None:
            return await self._late(frame, fence.failed.failure)
        if not isinstance(outcome, Waiting):
            failed = _failure(outcome, state)
            await self._handlers(frame, "failed" if failed else "succeeded", failed)
        return outcome

    async def _late(self, frame: Frame, failure: Failure) -> Failed:
        late = Failed(failure)
        await self._handlers(frame, "failed", ("", late))
        return late

    async def _cancelled(self, frame: Frame, stop: Stop | None) -> None:
        if stop is None or stop.reason == "cancelled":
            await self._handlers(frame, "cancelled", None)
        else:
            await self._handlers(frame, "failed", (stop.address, Failed(Failure(stop.reason, stop.message))))

    async def _handlers(self, frame: Frame, status: RunStatus, failed: tuple[str, Failed] | None) -> None:
        """Run ``on_failure`` and ``finally`` of a graph; they change nothing but what they do themselves."""
        graph, limits = frame.graph, frame.plan.limits
        due = [h for h in (graph.on_failure if failed else None, graph.finally_) if h is not None]
        if not due:
            return
        services = self._engine.services
        if frame.address not in services.recorded.finished or not frame.address:
            services.emit(HandlersStarted(services.clock.now(), frame.address, status))
        budgets = frame.budgets
        if limits.finally_usd is not None:
            budgets = (f"{frame.address}#finally",)
            self._engine.services.open_budget(budgets[0], PlannedBudget(usd=limits.finally_usd))
        run_names = {**self._run_names, "status": status}
        names = {**frame.names, "failure": failure_names(failed), "run": run_names}
        self._engine.control.ending |= not frame.address
        # An order to stop the run spares its handlers.
        engine = dataclasses.replace(self._engine, control=Control(), services=self._ending_services(frame))
        engine.nested = nested = NestedGraphs(engine, self._run_names)
        for handler in due:
            steps = StepsView(handler, frame.steps)
            inner = Frame(
                frame.plan, handler, frame.address, {**names, "steps": steps}, steps, budgets, frame.generation
            )
            problem, fence = "", Fence(engine.services, frame.address)
            try:
                async with engine.services.clock.timeout(limits.finally_timeout_s):
                    with fence:
                        outcome, _ = await nested._graph(inner)
                        problem = "nobody is there to answer it" if isinstance(outcome, Waiting) else ""
                problem = fence.failed.failure.message if fence.failed else problem
            except TimeoutError:
                problem = (
                    f'it took longer than "limits.finally.timeout", {duration_text(limits.finally_timeout_s or 0.0)}'
                )
            if problem:
                message = f"a handler was left before its end: {problem}"
                engine.services.emit(NoticeGiven(engine.services.clock.now(), frame.address, message))
            if inner.bill.cost:
                frame.bill.add(inner.bill)

    def _ending_services(self, frame: Frame) -> Services:
        """A group that had ended well is only replayed, handlers included; else its handlers belong to this end."""
        services = self._engine.services
        recorded = services.recorded
        if recorded.since_end is None or frame.address in recorded.finished:
            return services
        return dataclasses.replace(services, recorded=recorded.since_end)

    async def _graph(self, frame: Frame) -> tuple[StepOutcome, GraphState]:
        engine = self._engine
        done = {s.id: d for s in frame.graph.steps if (d := (frame.kept or {}).get(child(frame.address, s.id)))}
        topology = engine.topology(frame.graph, again=self._sets_up_again(frame))
        state = GraphState.of(topology, {id_: d.outcome for id_, d in done.items()})
        for id_, before in done.items():
            frame.steps.settle(id_, record_of(before.outcome, before.model, before.cost))
        workers = (functools.partial(run_step, engine), functools.partial(run_now, engine))
        run = GraphRun(frame, state, workers, engine.control, engine.services.clock)
        verdict = await run.run(functools.partial(engine.tell_skip, frame))
        if verdict is not None:
            return verdict, state
        stop = engine.control.stop
        if stop is not None and state.cut_short:
            return (Waiting(stop.reason, stop.address) if stop.pause else _stopped(stop)), state
        return (state.waiting[0] if state.waiting else outputs_of(frame)), state

    def _sets_up_again(self, frame: Frame) -> bool:
        """Whether the handlers of an earlier life undid what the ``setup`` steps of the graph had done."""
        recorded = self._engine.services.recorded
        return frame.address in recorded.torn_down and (not frame.address or frame.address not in recorded.finished)

    def _charge(self, frame: Frame, execution: Execution) -> None:
        execution.model = frame.bill.model
        execution.cost = frame.bill.cost
        execution.fresh |= frame.bill.fresh


def outputs_of(frame: Frame) -> StepOutcome:
    """The outputs of a graph whose steps are settled: as it says, else those of its steps by id."""
    graph = frame.graph
    inner: Json = {step.id: frame.steps.output(step.id) for step in graph.steps}
    if not graph.has_outputs:
        return Succeeded(inner)
    try:
        return Succeeded(value_of(graph.outputs, {**frame.names, "output": inner}))
    except StepError as error:
        return Failed(Failure("outputs", f'"outputs": {error}'))


def _stopped(stop: Stop) -> Failed:
    return Failed(Failure(stop.reason, stop.message))


def _failure(outcome: StepOutcome, state: GraphState) -> tuple[str, Failed] | None:
    if isinstance(outcome, Ended) and outcome.failed:
        return outcome.address, Failed(outcome.failure)
    if isinstance(outcome, Failed):
        return state.first_failure or ("", outcome)
    return None


def finished(ended: Ended, frame: Frame) -> StepOutcome:
    """What ``finish`` and ``fail`` make of their workflow; an output that never came about is null."""
    if ended.failed:
        return Failed(ended.failure.told())
    outcome = outputs_of(frame)
    declared = frame.graph.outputs
    if isinstance(outcome, Succeeded) or not isinstance(declared, dict):
        return outcome if isinstance(outcome, Succeeded) else Succeeded(None)
    names = {**frame.names, "output": {step.id: frame.steps.output(step.id) for step in frame.graph.steps}}
    return Succeeded({name: _value_or_null(value, names) for name, value in declared.items()})


def _value_or_null(value: Value, names: Names) -> Json:
    try:
        return value_of(value, names)
    except StepError:
        return None
