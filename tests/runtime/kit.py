"""Plans made by hand and services that remember: what tests of the runtime need."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import cast

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.events import Event
from nano_flow.core.messages import ChatReply, Json, Usage
from nano_flow.core.money import Cost, Money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAnswer, ModelAsk
from nano_flow.plan.call_specs import ReplySpec
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.set import PlannedSet
from nano_flow.plan.kinds.table import Spec
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedLimits, PlannedStep
from nano_flow.ports import WHOLE, Capture, CommandResult, RecordedWork, Tool
from nano_flow.runtime.run import RunEnd, RunOrder, run_plan
from nano_flow.source.expressions import check_expression, check_template
from nano_flow.steps.context import Services

WHERE = SourceRange("w.yaml", 1, 1, 1, 2)
NOTHING = RecordedWork({}, {}, {}, {}, {}, {}, Money(0), Money(0), 0, 0.0)


class FakeClock:
    """Time that passes only when everybody sleeps."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        while self.time < until:
            await asyncio.sleep(0)
            self.time += 0.01

    @contextlib.asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        if seconds is None:
            yield
            return
        task = asyncio.current_task()
        assert task is not None
        fired = False

        async def watch() -> None:
            nonlocal fired
            await self.sleep(seconds)
            fired = True
            task.cancel()

        watcher = asyncio.ensure_future(watch())
        try:
            yield
        except asyncio.CancelledError:
            if fired and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            watcher.cancel()


@dataclass
class FakeGateway:
    """Answers with what ``replies`` holds for an address, else with the prompt; counts what is in flight."""

    replies: dict[str, list[str | ChatReply | Exception]] = field(default_factory=dict)
    delay: float = 0.0
    clock: FakeClock = field(default_factory=FakeClock)
    asked: list[ModelAsk] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        return True

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        self.asked.append(ask)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if self.delay:
                await self.clock.sleep(self.delay)
            due = self.replies.get(ask.address)
            reply = due.pop(0) if due else ask.messages[-1].content
        finally:
            self.in_flight -= 1
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, str):
            reply = ChatReply(reply, "stop", Usage(1, output_tokens=1))
        return ModelAnswer(reply, ModelRef("fake", "model"), ask.route.model, Cost(Money(1_000)))


class FakeCommands:
    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.results: dict[str, CommandResult] = {}

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: str | None = None,
        capture: Capture = WHOLE,
    ) -> CommandResult:
        self.ran.append(tuple(argv))
        return self.results.get(argv[0], CommandResult(" ".join(argv) + "\n", "", 0))


class FakeToolbox:
    def __init__(self, tools: Mapping[str, Tool] | None = None) -> None:
        self.known = dict(tools or {})

    async def tools(self, names: tuple[str, ...], plan: object, scope: object) -> Mapping[str, Tool]:
        return {name: self.known[name] for name in names}


@dataclass
class Kit:
    """A run's surroundings."""

    clock: FakeClock = field(default_factory=FakeClock)
    gateway: FakeGateway = field(default_factory=FakeGateway)
    commands: FakeCommands = field(default_factory=FakeCommands)
    toolbox: FakeToolbox = field(default_factory=FakeToolbox)
    recorded: RecordedWork = NOTHING
    events: list[Event] = field(default_factory=list)
    waited_for: list[Event] = field(default_factory=list)
    """Those of the events that are on disk before anything goes on."""
    budgets: list[str] = field(default_factory=list)

    def services(self) -> Services:
        self.gateway.clock = self.clock

        async def durable(event: Event) -> None:
            self.events.append(event)
            self.waited_for.append(event)

        return Services(
            clock=self.clock,
            emit=self.events.append,
            durable=durable,
            recorded=self.recorded,
            gateway=self.gateway,
            toolbox=self.toolbox,
            commands=self.commands,
            approver=None,
            environ={"PATH": "/bin"},
            read_file=lambda path: path.encode(),
            open_budget=lambda scope, budget: self.budgets.append(scope),
        )

    def run(self, steps: Sequence[PlannedStep], **more: object) -> RunEnd:
        return asyncio.run(self.arun(steps, **more))

    def arun(self, steps: Sequence[PlannedStep], **more: object) -> Awaitable[RunEnd]:
        return run_plan(order(plan(steps, **more)), self.services())

    def names(self, kind: type) -> list[str]:
        """The addresses of the events of one kind, in their order."""
        return [getattr(event, "address", "") for event in self.events if isinstance(event, kind)]


def order(made: Plan, **more: object) -> RunOrder:
    return RunOrder("run-1", made, {}, 1_000_000.0, {}, **more)  # type: ignore[arg-type]


def plan(steps: Sequence[PlannedStep], **more: object) -> Plan:
    graph_more = {key: more.pop(key) for key in ("outputs", "has_outputs", "on_failure", "finally_") if key in more}
    limits = cast(PlannedLimits, more.pop("limits", PlannedLimits()))
    graph = PlannedGraph(tuple(steps), **graph_more)  # type: ignore[arg-type]
    inputs = more.pop("inputs", {})
    return Plan("w", "w.yaml", "sha256:0", graph, inputs, limits, {}, (), "/tmp")  # type: ignore[arg-type]


def step(id_: str, kind: str, spec: Spec, **more: object) -> PlannedStep:
    return PlannedStep(id_, id_, kind, spec, WHERE, **more)  # type: ignore[arg-type]


def values(id_: str, needs: Sequence[str] = (), /, when: str | None = None, **more: object) -> PlannedStep:
    """A ``set`` step; keyword arguments that no step has are its values."""
    own = {key: more.pop(key) for key in list(more) if key in PlannedStep.__dataclass_fields__}
    condition = expression(when) if when is not None else None
    spec = PlannedSet({key: template(v) if isinstance(v, str) else cast(Json, v) for key, v in more.items()})  # type: ignore[misc]
    return step(id_, "set", spec, needs=tuple(needs), when=condition, **own)


def prompt(id_: str, text: str, needs: Sequence[str] = (), **more: object) -> PlannedStep:
    own = {key: more.pop(key) for key in list(more) if key in PlannedStep.__dataclass_fields__}
    said = {field.name: more.pop(field.name) for field in fields(ReplySpec) if field.name in more}
    spec = PlannedPrompt(template(text), reply=ReplySpec(**said), **more)  # type: ignore[arg-type]
    return step(id_, "prompt", spec, needs=tuple(needs), **own)  # type: ignore[arg-type]


def template(text: str):  # type: ignore[no-untyped-def]
    return check_template(text, WHERE)


def expression(text: str):  # type: ignore[no-untyped-def]
    return check_expression(text, WHERE)
