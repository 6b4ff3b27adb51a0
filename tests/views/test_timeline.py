"""What ran when, drawn."""

from __future__ import annotations

from nano_flow.core.events import StepFailed, StepFinished, StepStarted
from nano_flow.core.shown.printable import columns
from nano_flow.views.report import view_of
from nano_flow.views.timeline import Bar, timeline, timeline_text
from tests.stores.samples import started


def test_executions_stand_in_the_order_of_their_beginning() -> None:
    events = [
        started(1000.0),
        StepStarted(1001.0, "a", "a", "prompt"),
        StepStarted(1000.5, "b", "b", "run"),
        StepFinished(1003.0, "a", "x", 2.0),
        StepFailed(1003.0, "b", "command", "exit 1", 1.0),
        StepStarted(1003.0, "c", "c", "set"),
    ]
    view = view_of([*events, StepFinished(1007.0, "d", "x", 0.0)])
    assert timeline(view) == [
        Bar("b", "run", "failed", 0.5, 1.0),
        Bar("a", "prompt", "succeeded", 1.0, 2.0),
        Bar("c", "set", "running", 3.0, 4.0),
    ]


def test_a_resumed_run_shows_its_latest_life() -> None:
    events = [started(1000.0), StepStarted(1001.0, "a", "a", "set"), StepFinished(1001.0, "a", 1, 0.0)]
    events += [started(5000.0, resumed=True), StepStarted(5001.0, "b", "b", "set")]
    assert [bar.address for bar in timeline(view_of(events))] == ["b"]


def test_bars_share_one_scale_and_fit() -> None:
    bars = [Bar("first", "set", "succeeded", 0.0, 5.0), Bar("second", "run", "failed", 5.0, 5.0)]
    assert timeline_text(bars, 36) == [
        "first  ██████████           5s",
        "second           ░░░░░░░░░░ 5s",
    ]
    long = [Bar("x" * 100, "set", "succeeded", float(index), 0.0) for index in range(300)]
    lines = timeline_text(long, 60)
    assert all(columns(line) <= 60 for line in lines) and lines[-1] == "… and 100 more"


def test_nothing_begun_is_said() -> None:
    assert timeline_text(timeline(view_of([])), 80) == ["nothing has begun"]
