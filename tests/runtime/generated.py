"""Nested workflows made by chance, and a world in which they run: deterministic, in virtual time, remembering."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from nano_flow.core.events import CallFinished, CallIntended, Event
from nano_flow.core.messages import ChatReply, Json, Usage
from nano_flow.core.money import Cost, Money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAnswer, ModelAsk
from nano_flow.plan.plan import Plan
from nano_flow.ports import WHOLE, Capture, CommandResult
from nano_flow.runtime.recorder import Recorder
from nano_flow.runtime.run import RunEnd, RunOrder, run_plan
from nano_flow.steps.context import Services
from nano_flow.stores.memory import MemoryJournal
from nano_flow.testing.time import LoopClock, run_jumping
from tests.runtime.kit import FakeToolbox

RULES = ["all_success", "none_failed", "one_success", "none_failed_min_one_success", "one_failed", "all_done"]
ENDS = ("finish", "fail")


@st.composite
def workflows(draw: st.DrawFn, *, ends: bool) -> dict[str, Json]:
    """A document as plain data; ``ends``: with ``finish`` and ``fail``."""
    names = _Names()
    document: dict[str, Json] = {"nano_flow": 1, "name": "generated", "steps": _steps(draw, names, 0, ends)}
    if draw(st.booleans()):
        document["finally"] = {names.next(): {"run": ["clean", names.last]}}
    if draw(st.booleans()):
        document["on_failure"] = {names.next(): {"run": ["tell", names.last]}}
    return document


@dataclass
class _Names:
    count: int = 0

    @property
    def last(self) -> str:
        return f"s{self.count}"

    def next(self) -> str:
        self.count += 1
        return self.last


def _steps(draw: st.DrawFn, names: _Names, depth: int, ends: bool) -> dict[str, Json]:
    made: dict[str, Json] = {}
    for _ in range(draw(st.integers(1, 4 if depth == 0 else 3))):
        name = names.next()
        step = _body(draw, names, name, depth, ends)
        _modify(draw, step, list(made))
        made[name] = step
    return made


def _body(draw: st.DrawFn, names: _Names, name: str, depth: int, ends: bool) -> dict[str, Json]:
    kinds = ["set", "run", "run", "prompt", "wait", *(ENDS if ends else ())]
    kind = draw(st.sampled_from([*kinds, "steps", "steps", "switch"] if depth < 2 else kinds))
    if kind == "steps":
        group: dict[str, Json] = {"steps": _steps(draw, names, depth + 1, ends)}
        for handler in ("finally", "on_failure"):
            if draw(st.integers(0, 3)) == 0:
                group[handler] = {names.next(): {"run": ["handle", names.last]}}
        return group
    if kind == "switch":
        cases = {case: _body(draw, names, name, depth + 1, ends) for case in ("a", "b")}
        return {"switch": {"value": f"'{draw(st.sampled_from('abc'))}'", "cases": cases}}
    if kind == "run":
        return {"run": [draw(st.sampled_from(["good", "good", "bad"])), name]}
    bodies: dict[str, dict[str, Json]] = {
        "set": {"set": {"name": name}},
        "prompt": {"prompt": name, "model": "sim/small"},
        "wait": {"wait": "5s"},
        "finish": {"finish": name},
        "fail": {"fail": name},
    }
    return bodies[kind]


def _modify(draw: st.DrawFn, step: dict[str, Json], before: list[str]) -> None:
    if before and draw(st.booleans()):
        step["needs"] = draw(st.lists(st.sampled_from(before), min_size=1, max_size=2, unique=True))
        step["trigger_rule"] = draw(st.sampled_from(RULES))
    for keys in (_PLAIN,) if {"finish", "fail"} & step.keys() else (_PLAIN, _MANY):
        for strategy in keys:
            if draw(st.integers(0, 3)) == 0:
                step.update(draw(strategy))


_PLAIN: tuple[st.SearchStrategy[dict[str, Json]], ...] = (
    st.fixed_dictionaries({"when": st.booleans()}),
    st.just({"retry": {"max_attempts": 2, "delay": "1s"}}),
    st.just({"timeout": "1h"}),
    st.sampled_from([{"on_error": "continue"}, {"on_error": {"output": "spare"}}]),
)
_MANY: tuple[st.SearchStrategy[dict[str, Json]], ...] = (
    st.fixed_dictionaries(
        {
            "for_each": st.integers(0, 3).map(lambda count: list(range(count))),
            "on_item_failure": st.sampled_from(["fail", "continue", "cancel"]),
            "max_parallel": st.integers(1, 3),
        }
    ),
    st.integers(1, 3).map(lambda most: {"repeat": {"max_iterations": most, "on_exhausted": "continue"}}),
    st.integers(1, 3).map(lambda most: {"repeat": {"max_iterations": most, "until": "iteration == 2"}}),
)


@dataclass
class World:
    """What models and commands did, over all lives of a run."""

    commands: Counter[tuple[str, ...]] = field(default_factory=Counter)
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: str | None = None,
        capture: Capture = WHOLE,
    ) -> CommandResult:
        self.commands[tuple(argv)] += 1
        await LoopClock().sleep(1)
        return CommandResult(" ".join(argv), "", 1 if argv[0] == "bad" else 0)


@dataclass
class RecordingGateway:
    """Journals its calls, and replays what is recorded, as the real one does."""

    world: World
    recorder: Recorder
    journal: MemoryJournal

    def __post_init__(self) -> None:
        self.recorded = self.journal.recorded().calls

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        return True

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        done = self.recorded.get((ask.address, ask.turn))
        if done is None:
            self.world.asked[(ask.address, ask.turn)] += 1
            told = (ask.address, ask.turn, 0, "fake/model", "fake/model", "f")
            await self.recorder.durable(CallIntended(0.0, *told, Money(1)))
            await LoopClock().sleep(1)
            reply = ChatReply(ask.messages[-1].content, "stop", Usage(1, output_tokens=1))
            done = CallFinished(0.0, *told, reply, 1.0, Money(1))
            await self.recorder.durable(done)
            return ModelAnswer(done.reply, ModelRef("fake", "model"), ask.route.model, Cost(Money(1)))
        return ModelAnswer(done.reply, ModelRef("fake", "model"), ask.route.model, replayed=True)


def live(plan: Plan, world: World, earlier: Sequence[Event] = ()) -> tuple[RunEnd, list[Event]]:
    """One life of a run; how it ended, and the events of this life."""

    async def main() -> tuple[RunEnd, list[Event]]:
        clock, journal = LoopClock(), MemoryJournal(earlier)
        recorder = Recorder(journal, [])
        services = Services(
            clock=clock,
            emit=recorder.emit,
            durable=recorder.durable,
            recorded=journal.recorded(),
            gateway=RecordingGateway(world, recorder, journal),
            toolbox=FakeToolbox(),
            commands=world,
            approver=None,
            environ={},
            read_file=lambda path: b"",
            open_budget=lambda scope, budget: None,
        )
        end = await run_plan(RunOrder("run", plan, {}, 0.0, {}, resumed=bool(earlier)), services)
        return end, journal.events[len(earlier) :]

    return run_jumping(main())


def as_text(document: Mapping[str, Json]) -> str:
    """YAML, a line a key."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in document.items())
