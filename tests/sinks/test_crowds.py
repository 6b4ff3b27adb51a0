"""Long fan-outs in a log and on the screen: how many, how many failed, for how long still."""

from __future__ import annotations

import io

from nano_flow.core.events import Event, RunStarted, StepExpanded, StepFailed, StepFinished, StepStarted
from nano_flow.core.money import Money
from nano_flow.sinks.console import ConsoleSink
from nano_flow.sinks.progress import Progress
from nano_flow.sinks.screen import picture


def items(count: int, failing: int = 0) -> list[Event]:
    events: list[Event] = [StepExpanded(10.0, "note", "note", "steps", "for_each", count)]
    for index in range(count):
        at = 10.0 + index
        events.append(StepStarted(at, f"note[{index}].a", "a", "run"))
        if index < failing:
            events.append(StepFailed(at, f"note[{index}].a", "command", "exit code 1", 1.0))
            events.append(StepFailed(at, f"note[{index}]", "command", "step a: exit code 1", 1.0, tolerated=True))
        else:
            events.append(StepFinished(at, f"note[{index}].a", None, 1.0))
            events.append(StepFinished(at, f"note[{index}]", None, 1.0))
    return events


def told(events: list[Event], verbosity: int = 0) -> list[str]:
    stream = io.StringIO()
    sink = ConsoleSink(stream, lambda: 0.0, verbosity=verbosity)
    for event in events:
        sink.handle(event)
    return stream.getvalue().splitlines()


def test_three_hundred_items_are_a_line_for_each_tenth() -> None:
    lines = told(items(300))
    assert lines[0] == "note: 30/300" and lines[-1] == "note: 300/300" and len(lines) == 10
    assert len(told(items(12))) == 24


def test_the_first_failures_are_told_and_counted() -> None:
    lines = told(items(300, failing=100))
    assert sum("exit code 1" in line for line in lines) == 5
    assert lines[-1] == "note: 300/300, 100 failed"


def test_what_an_earlier_life_had_done_is_one_line() -> None:
    kept: list[Event] = [StepFinished(1.0, f"s{n}", None, 0.0, replayed=True) for n in range(3)]
    assert told([*kept, StepFinished(2.0, "fresh", None, 1.0)]) == ["3 steps are kept from before", "fresh done in 1s"]
    assert told([*kept[:1], StepFinished(2.0, "fresh", None, 1.0)])[0] == "1 step is kept from before"


def test_the_sums_say_of_how_many_how_much_and_how_long() -> None:
    progress = Progress()
    progress.apply(RunStarted(0.0, "r", "w", "w.yaml", "d", {}, {}, budget=Money(5_000_000_000)))
    for event in items(20)[: 1 + 3 * 10]:
        progress.apply(event)
    for index in range(10, 18):
        progress.apply(StepStarted(19.0, f"note[{index}].a", "a", "run"))
    lines = picture(progress, 20.0, 100, 12)
    assert lines == [lines[0], "10/20 · 8 running · $0 of $5 · 20s · about 10s left"] and "note.a ×8" in lines[0]
