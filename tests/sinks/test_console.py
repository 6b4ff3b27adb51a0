"""Progress on a terminal and without one."""

from __future__ import annotations

import io
import os
import threading
from dataclasses import replace
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given

from nano_flow.core.events import (
    ApprovalAnswered,
    ApprovalAsked,
    BudgetWarned,
    CacheHit,
    Event,
    NoticeGiven,
    ReplyChecked,
    RouteDecided,
    RunFinished,
    StepCollected,
    StepExpanded,
    StepFailed,
    StepFinished,
    StepRetried,
    StepSkipped,
    StepStarted,
    TextStreamed,
    ToolCalled,
    ToolIntended,
    WaitStarted,
)
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.core.shown.printable import columns
from nano_flow.sinks.console import ConsoleSink
from tests.sinks.terminal import Terminal
from tests.stores.samples import EVENTS, failed, finished, intended, started

SIMULATED = ChatReply("play", "stop", Usage(input_tokens=7, output_tokens=3), simulated=True)
STORY: tuple[Event, ...] = (
    started(),
    StepStarted(1.0, "ask", "ask", "prompt"),
    RouteDecided(1.0, "ask", 0, "auto", 4.5, "standard", {}),
    intended(),
    failed(),
    finished(attempt=1),
    CacheHit(1.0, "ask", 1, "openai/gpt-5", "auto", "f", ChatReply("x", "stop", Usage()), Money(70)),
    ReplyChecked(1.0, "ask", 0, "openai/gpt-5-mini", False, "schema", "p"),
    ReplyChecked(1.0, "ask", 1, "openai/gpt-5", True, "judge", "p", 0.8),
    TextStreamed(1.0, "ask", 0, "never shown"),
    ToolIntended(1.0, "ask", 0, "1", "read_file", "f", {}),
    ToolCalled(1.0, "ask", 0, "1", "read_file", "f", "x", 0.1),
    StepRetried(1.0, "ask", 1, "command", "exit 1", 0.5),
    StepFinished(1.0, "ask", "fine", 2.0),
    StepExpanded(1.0, "review", "review", "prompt", "for_each", 3),
    StepFailed(1.0, "review[0]", "schema", "no report", 1.0, tolerated=True),
    StepCollected(1.0, "review", "failed", 1.0, "schema", "1 of 3 items failed"),
    StepSkipped(1.0, "tell", "tell", "run", "condition", "not inputs.strict"),
    ApprovalAsked(1.0, "ship", "Publish?", ("publish", "discard"), None, 60.0),
    ApprovalAnswered(1.0, "ship", "publish", None, "", "ann"),
    WaitStarted(1.0, "nap", 1e18),
    BudgetWarned(1.0, "", 0.8, Money(800_000_000), Money(1_000_000_000)),
    NoticeGiven(1.0, "ask", "the result of one call is unknown"),
    RunFinished(9.0, "paused", None, "waiting", "approval", "ship", 8.0),
)


def told(verbosity: int, *events: Event) -> list[str]:
    stream = io.StringIO()
    sink = ConsoleSink(stream, lambda: 0.0, verbosity=verbosity)
    for event in events:
        sink.handle(event)
    sink.close()
    return stream.getvalue().splitlines()


def test_without_a_terminal_each_event_is_a_line() -> None:
    assert told(0, *STORY) == [
        "run r1 started: review",
        "ask openai/gpt-5-mini failed (timeout): no answer",
        "ask tries again in 500ms (command): exit 1",
        "ask done in 2s",
        "review[0] failed, tolerated (schema): no report",
        "review failed (schema): 1 of 3 items failed",
        "tell skipped: condition (not inputs.strict)",
        "ship asks until 1970-01-01T00:01:00.000Z: Publish? [publish, discard]",
        "ship answered by ann: publish",
        "nap waits until 9999-12-31T23:59:59.000Z",
        "the run has spent $0.8 of $1",
        "ask: the result of one call is unknown",
        "run paused (approval) after 8s: waiting",
    ]


def test_a_budget_that_stops_many_items_is_told_once_with_their_number() -> None:
    stream = io.StringIO()
    sink = ConsoleSink(stream, lambda: 0.0)
    for item in range(3):
        sink.handle(StepFailed(1.0, f"fan[{item}]", "budget", "does not fit", 0.0))
    sink.handle(StepFailed(1.0, "other[0]", "budget", "does not fit", 0.0))
    sink.handle(StepCollected(2.0, "fan", "failed", 1.0, "budget", "3 of 9 items failed"))
    assert stream.getvalue().splitlines() == [
        "fan[0] failed (budget): does not fit",
        "other[0] failed (budget): does not fit",
        "fan failed (budget): 3 of 9 items failed",
    ]


def test_quiet_tells_only_what_must_not_be_missed() -> None:
    assert told(-1, *STORY) == [
        "review[0] failed, tolerated (schema): no report",
        "ship asks until 1970-01-01T00:01:00.000Z: Publish? [publish, discard]",
        "the run has spent $0.8 of $1",
        "ask: the result of one call is unknown",
    ]


def test_verbose_tells_models_tools_and_money() -> None:
    lines = told(1, *STORY)
    assert "ask routed: auto → standard" in lines
    assert "ask asks openai/gpt-5-mini, at most $0.0000009" in lines
    assert "ask openai/gpt-5-mini answered in 500ms, 10 + 5 tokens, $0.0000003" in lines
    assert "ask openai/gpt-5 from the cache, saved $0.00000007" in lines
    assert "ask openai/gpt-5-mini failed its checks (schema)" in lines
    assert "ask openai/gpt-5 passed its checks (judge, a judge gave 0.8)" in lines
    assert "ask calls read_file" in lines and "ask read_file done" in lines
    assert "review for_each: 3" in lines
    assert not any("never shown" in line for line in lines)


def test_simulated_and_unpriced_replies_say_so() -> None:
    lines = told(
        1,
        finished(reply=SIMULATED),
        finished(cost=None, unpriced="no entry"),
        StepCollected(1.0, "r", "succeeded", 2.0),
        replace(intended(), unpriced="no entry"),
        failed(cost=None, unpriced="no entry"),
    )
    assert lines[3] == "ask asks openai/gpt-5-mini, unpriced (no entry)"
    assert lines[4].endswith("failed (timeout): no answer; billed, unpriced (no entry)")
    assert "simulated answered" in lines[0] and "unpriced (no entry)" in lines[1] and lines[2] == "r done in 2s"


@given(EVENTS)
def test_no_event_moves_the_cursor_or_breaks_a_line(event: Event) -> None:
    for line in told(9, event):
        assert not {category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Window:
    """A terminal of a chosen size, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, width: int = 80, height: int = 24) -> None:
        self.now = 1000.0
        self.stream = Terminal()
        monkeypatch.setattr(self.stream, "fileno", lambda: 2)
        monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((width, height)))
        self.sink = ConsoleSink(self.stream, lambda: self.now, live=True, ticking=False)

    def show(self, *events: Event, after: float = 0.0) -> list[str]:
        for event in events:
            self.sink.handle(event)
        self.now += after
        self.sink.draw()
        return self.stream.screen()


def begun(address: str, at: float = 1000.0, kind: str = "prompt") -> StepStarted:
    return StepStarted(at, address, address, kind)


def test_the_picture_shows_what_runs_on_which_model_and_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    events = (started(), begun("group", kind="steps"), begun("ask"), intended(), begun("clean", kind="run"))
    paid = (begun("done"), finished("done", cost=Money(1_234_567_890)), StepFinished(1.0, "done", "x", 1.0))
    screen = window.show(*events, *paid, after=61.0)
    assert screen[2:] == ["1 done · 2 running · $1.24 · 1m1s", ""]
    first, second = screen[:2]
    assert first.split() == ["ask", "openai/gpt-5-mini", "1m1s"] and second.split() == ["clean", "run", "1m1s"]
    assert len(first) == len(second) == 79


def test_the_picture_is_drawn_over_itself_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    window.show(started(), begun("a"), begun("b"), after=1.0)
    screen = window.show(StepFinished(1.0, "a", "x", 1.0), after=1.0)
    assert [line.split()[0] for line in screen if line] == ["b", "1"]
    window.sink.handle(NoticeGiven(1.0, "", "mind the gap"))
    assert window.show()[0] == "mind the gap" and window.stream.screen()[1].split()[0] == "b"
    window.sink.close()
    assert window.stream.screen() == ["mind the gap", ""]
    window.sink.handle(started())
    window.sink.draw()
    assert window.stream.screen() == ["mind the gap", ""]


def test_a_fan_out_of_ten_thousand_is_one_row_and_many_steps_take_a_dozen(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    screen = window.show(started(), *(begun(f"review[{index}]") for index in range(10_000)))
    assert screen[0].startswith("  review ×10000") and "10000 running" in screen[1]
    window = Window(monkeypatch)
    screen = window.show(started(), *(begun(f"s{index}") for index in range(10_000)))
    assert len(screen) == 13 and screen[-3] == "  … and 9990 more"


@pytest.mark.parametrize(("width", "height"), [(40, 24), (40, 3), (20, 2), (200, 60), (1, 1)])
def test_no_line_is_wider_and_no_picture_higher_than_the_window(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    window = Window(monkeypatch, width, height)
    steps = [begun(f"a_step_with_a_rather_long_name[{index}].日本語") for index in range(30)]
    lines = [line for line in window.show(started(), *steps, intended(steps[0].address), after=3700.0) if line]
    assert len(lines) <= max(1, height - 1)
    assert all(columns(line) <= max(0, width - 1) for line in lines)


def test_names_and_models_cannot_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    evil = begun("x\x1b[2J\x9b1A\u202e")
    window.show(started(), evil)
    window.sink.handle(NoticeGiven(1.0, "", "\x1b]0;title\x07 and\nmore"))
    window.show()
    written = window.stream.getvalue()
    assert "\x1b[2J" not in written and "\x9b" not in written and "\x07" not in written and "\u202e" not in written
    assert "\\x1b]0;title\\x07 and more" in written


def test_the_picture_tells_failures_waiting_and_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch, 120)
    nap = WaitStarted(1.0, "nap", 9.0)
    begin = (started(), begun("ship"), begun("nap"), begun("bad"), begun("ask"))
    money = (
        finished(reply=SIMULATED),
        failed(simulated=True, cost=Money(5)),
        finished(cost=None),
        failed(cost=Money(5)),
    )
    ended = (StepFailed(1.0, "bad", "command", "exit 1", 1.0), StepSkipped(1.0, "s", "s", "set", "condition"))
    screen = window.show(*begin, nap, *money, *ended)
    assert "openai/gpt-5-mini: timeout" in "\n".join(screen)
    assert any(line.split() == ["nap", "waiting", "0s"] for line in screen)
    assert "0 done · 1 failed · 3 running · 1 skipped · $0.0001 + $0.0001 simulated + 1 unpriced · 0s" in screen


def test_the_picture_gives_way_to_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    window.show(started(), begun("ship"), begun("other"))
    asked = (ApprovalAsked(1.0, "ship", "Publish?", ("yes",)), ApprovalAsked(1.0, "other", "And this?", ("no",)))
    screen = ["ship asks: Publish? [yes]", "other asks: And this? [no]", ""]
    assert window.show(*asked) == screen
    assert window.show(ApprovalAnswered(1.0, "ship", "yes", None, "", "ann")) == screen
    assert window.show(ApprovalAnswered(1.0, "other", "no", None, "", "ann"))[:3] == [
        *screen[:2],
        "  ship" + " " * 32 + "prompt" + " " * 33 + "0s",
    ]


def test_expansions_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    window.show(
        started(), StepExpanded(1.0, "r", "r", "prompt", "for_each", 2), StepCollected(2.0, "r", "succeeded", 1.0)
    )
    assert window.stream.screen()[0].startswith("0 done")


def test_nothing_is_drawn_before_the_run_begins_or_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(monkeypatch)
    assert window.show() == [""]
    quiet = ConsoleSink(window.stream, lambda: 0.0, verbosity=-1, live=True)
    quiet.handle(started())
    quiet.close()
    assert window.stream.getvalue() == ""


def test_the_picture_moves_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nano_flow.sinks.console.REDRAW_SECONDS", 0.001)
    drawn = threading.Event()

    class Stream(Terminal):
        def write(self, text: str, /) -> int:
            drawn.set()
            return super().write(text)

    sink = ConsoleSink(Stream(), lambda: 1000.0, live=True)
    sink.handle(started())
    assert drawn.wait(10)
    sink.close()


def test_a_stream_that_breaks_does_not_stop_the_run() -> None:
    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    sink = ConsoleSink(Broken(), lambda: 0.0)
    sink.handle(started())
    sink.handle(started())
    sink.close()


def test_a_stream_without_a_size_counts_as_a_usual_terminal() -> None:
    stream: Any = Terminal()
    sink = ConsoleSink(stream, lambda: 1000.0, live=True, ticking=False)
    sink.handle(started())
    sink.draw()
    assert stream.screen()[0] == "0 done · $0 · 0s"
