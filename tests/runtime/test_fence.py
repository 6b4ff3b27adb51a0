"""A step is a fence: what goes wrong inside, foreseen or not, is its failure; the run goes on or ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from nano_flow.core.errors import RunError, StepError, StoreError, UsageError
from nano_flow.core.events import Event, StepFailed, StepFinished
from nano_flow.defects import told_in_a_run
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.plan import PlannedForEach, PlannedGraph, PlannedRepeat, PlannedRetry, PlannedStep
from nano_flow.runtime.execution import many, step
from nano_flow.runtime.recorder import Recorder
from nano_flow.runtime.run import RunEnd, run_plan
from tests.runtime.kit import Kit, expression, order, plan, prompt, template, values
from tests.runtime.kit import step as planned

BROKEN: list[Exception] = [
    TypeError("no"),
    KeyError("x"),
    RecursionError(),
    OverflowError("int too large"),
    MemoryError(),
]


def failing(address: str, error: Exception) -> Kit:
    kit = Kit()
    kit.gateway.replies[address] = [error] * 9
    return kit


def failures(kit: Kit) -> dict[str, tuple[str, bool]]:
    return {e.address: (e.error, e.tolerated) for e in kit.events if isinstance(e, StepFailed)}


@pytest.mark.parametrize("error", BROKEN, ids=lambda error: type(error).__name__)
def test_a_defect_fails_its_step_alone_and_the_run_ends_in_order(error: Exception) -> None:
    kit = failing("a", error)
    end = kit.run([prompt("a", "x"), prompt("b", "y")], finally_=PlannedGraph((values("f", x=1),)))
    assert end.status == "failed"
    assert end.failure is not None
    assert end.failure.kind == "defect"
    assert f"a defect of nano-flow ({type(error).__name__})" in end.failure.message
    assert failures(kit) == {"a": ("defect", False)}
    assert {e.address for e in kit.events if isinstance(e, StepFinished)} == {"b", "f"}


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (StepError("verify", "bad"), "verify", "bad"),
        (RunError("odd"), "error", "odd"),
        (UsageError("wrong"), "error", "wrong"),
        (TimeoutError(), "timeout", "no result in time"),
        (OSError(28, "No space left on device", "/x"), "error", '"/x": No space left on device'),
        (OSError(24, "Too many open files"), "error", "Too many open files"),
        (OSError("strange"), "defect", "defect of nano-flow (OSError)"),
    ],
)
def test_errors_have_the_class_that_answers_them(error: Exception, kind: str, said: str) -> None:
    end = failing("a", error).run([prompt("a", "x")])
    assert end.failure is not None
    assert (end.failure.kind, said in end.failure.message) == (kind, True), end.failure


def test_an_item_that_hits_a_defect_is_one_failed_item() -> None:
    kit = failing("a[1]", TypeError("no"))
    each = PlannedForEach([1, 2, 3], on_item_failure="continue")
    end = kit.run([prompt("a", "{{ item }}", for_each=each)], **outputs("{{ steps.a.output }}"))
    assert (end.status, end.outputs) == ("succeeded", {"o": ["1", None, "3"]})
    assert failures(kit) == {"a[1]": ("defect", True)}


def outputs(text: str) -> dict[str, object]:
    return {"outputs": {"o": template(text)}, "has_outputs": True}


@pytest.mark.parametrize("mode", ["continue", "output"])
def test_on_error_answers_a_defect(mode: str) -> None:
    kit = failing("a", TypeError("no"))
    end = kit.run([prompt("a", "x", on_error=mode, on_error_output=7)], **outputs("{{ steps.a.output }}"))
    assert (end.status, end.outputs) == ("succeeded", {"o": 7 if mode == "output" else None})


def test_a_group_around_it_may_tolerate_it() -> None:
    kit = failing("g.a", TypeError("no"))
    graph = PlannedGraph((prompt("a", "x"),), finally_=PlannedGraph((values("f", x=1),)))
    end = kit.run([planned("g", "steps", PlannedGroup(graph), on_error="continue")])
    assert end.status == "succeeded"
    assert failures(kit) == {"g.a": ("defect", False), "g": ("defect", True)}
    assert "g.f" in kit.names(StepFinished)


def test_a_defect_is_not_tried_again_unless_somebody_says_so() -> None:
    graph = PlannedGraph((prompt("a", "x"),))
    for retry, asked in ((PlannedRetry(3, errors=()), 1), (PlannedRetry(3, errors=("defect",)), 3)):
        kit = failing("g.a", TypeError("no"))
        assert kit.run([planned("g", "steps", PlannedGroup(graph), retry=retry)]).status == "failed"
        assert len(kit.gateway.asked) == asked


def explode(*_: object, **__: object) -> Any:
    raise AttributeError("boom")


@pytest.mark.parametrize(
    ("place", "name", "made"),
    [
        (step, "holds", values("a", (), "true", x=1)),
        (step, "holds", prompt("a", "x", when=expression("true"))),
        (many, "read_list", prompt("a", "x", for_each=PlannedForEach([1]))),
        (many, "_summary", prompt("a", "{{ nope }}", for_each=PlannedForEach([1]))),
        (many, "holds", prompt("a", "x", repeat=PlannedRepeat(expression("true"), 2))),
        (step, "value_of", prompt("a", "{{ nope }}", on_error="output")),
    ],
)
def test_what_happens_around_the_attempts_is_inside_the_fence_too(
    place: object, name: str, made: PlannedStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, explode)
    kit = Kit()
    end = kit.run([made, values("b", x=1)], finally_=PlannedGraph((values("f", x=1),)))
    assert end.failure is not None
    assert end.failure.kind == "defect"
    assert failures(kit)["a"][0] == "defect"
    assert set(kit.names(StepFinished)) >= {"b", "f"}


def test_a_graph_that_breaks_ends_with_its_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    from nano_flow.runtime.execution import nested

    monkeypatch.setattr(nested, "outputs_of", explode)
    kit = Kit()
    end = kit.run([values("a", x=1)], finally_=PlannedGraph((values("f", x=1),)))
    assert end.failure is not None
    assert end.failure.kind == "defect"


def test_a_broken_store_stops_the_run() -> None:
    with pytest.raises(StoreError):
        failing("a", StoreError("state.db", "gone")).run([prompt("a", "x", on_error="continue")])


def test_an_error_of_those_who_look_on_is_no_failure_of_a_step() -> None:
    class Closed:
        def handle(self, event: Event) -> None:
            if isinstance(event, StepFinished):
                raise BrokenPipeError(32, "Broken pipe")

        def close(self) -> None:
            pass

    kit = Kit()
    journal = Silent()
    recorder = Recorder(journal, [Closed()])
    services = replace(kit.services(), emit=recorder.emit, durable=recorder.durable, unheard=lambda: recorder.unheard)
    with pytest.raises(BrokenPipeError):
        asyncio.run(ended(order(plan([prompt("a", "x", on_error="continue"), prompt("b", "y")])), services))
    assert not [e for e in journal.events if isinstance(e, StepFailed)]


async def ended(what: Any, services: Any) -> RunEnd:
    return await run_plan(what, services)


@dataclass
class Silent:
    """A journal in memory that answers nothing."""

    events: list[Event] = field(default_factory=list)

    def record(self, event: Event, masks: object = ()) -> None:
        self.events.append(event)

    async def durable(self, event: Event, masks: object = ()) -> None:
        self.events.append(event)

    async def flush(self) -> None:
        pass

    def recorded(self) -> Any:
        raise AssertionError

    async def close(self) -> None:
        pass


def test_one_report_is_written_for_each_place_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "tok-12345678")
    tell = told_in_a_run(tmp_path, lambda text: text.replace("hunter2hunter2", "***"))

    def hit(data: Mapping[str, object]) -> str:
        try:
            data["hunter2hunter2 tok-12345678"]
        except KeyError as error:
            return tell(error, "a[3]")
        raise AssertionError

    said = {hit({}) for _ in range(5)}
    (report,) = tmp_path.glob("defect-*.txt")
    assert said == {f'this is a defect of nano-flow (KeyError), not of your documents; the report is "{report}"'}
    text = report.read_text()
    assert "hunter2" not in text
    assert "tok-12345678" not in text
    assert "at a[3]" in text
