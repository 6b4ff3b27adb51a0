"""A run as text: every step with its model, why, tokens, cost and time, in the room that there is."""

from __future__ import annotations

from typing import Any

import pytest

from nano_flow.core.events import (
    CacheHit,
    Event,
    RouteDecided,
    RunFinished,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.core.shown.printable import columns
from nano_flow.views.document import run_document
from nano_flow.views.report import view_of
from nano_flow.views.text import run_text, steps_text
from tests.stores.samples import failed, finished, intended, started

SIMULATED = ChatReply("play", "stop", Usage(input_tokens=1200, output_tokens=3), simulated=True)


def document(*events: Event) -> Any:
    return run_document(view_of(events))


def prompt(address: str, item: int | None = None, **more: Any) -> list[Event]:
    return [
        StepStarted(1.0, address, address.partition("[")[0], "prompt", item),
        RouteDecided(1.0, address, 0, "auto", 4.5, "standard", {}),
        finished(address, **more),
        StepFinished(2.0, address, "fine", 1.5),
    ]


END = RunFinished(1010.0, "succeeded", {"report": "# Title\n\ttext\x1b[2J"}, None, None, None, 9.5)


def test_a_run_is_told_in_full_where_there_is_room() -> None:
    retried = [failed("review", possibly_spent=Money(900)), *prompt("review", attempt=1)]
    skipped = StepSkipped(1.0, "tell", "tell", "run", "condition")
    assert run_text(document(started(), *retried, skipped, END)).splitlines() == [
        "review: succeeded in 9.5s run r1",
        "   step    model              why                 tokens        cost  time",
        "✓  review  openai/gpt-5-mini  standard 4.5        10 + 5  $0.0000003  1.5s",
        "–  tell                       skipped: condition",
        "",
        "cost: $0.0000003, $0.0000009 possibly spent, 10 + 5 tokens",
        "",
        "report:",
        "  # Title",
        "      text\\x1b[2J",
    ]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = "a_rather_long_name_of_a_step.日本語_inside"
    error = StepFailed(1.0, "bad", "command", "exit 1: " + "no such file or directory " * 9, 1.0)
    events = (started(), *prompt(long), *prompt("x", cost=None), StepStarted(1.0, "bad", "bad", "run"), error)
    end = RunFinished(1010.0, "failed", None, "the step bad failed", None, None, 9.5)
    text = run_text(document(*events, end), width)
    assert all(columns(line) <= width for line in text.splitlines())
    assert "a_rather" in text and ("$0.0000003" in text or width < 40) and "bad: command: exit 1" in text


def test_forty_columns_keep_step_model_and_cost() -> None:
    heading, row = steps_text(document(started(), *prompt("review")), 40)
    assert heading.split() == ["step", "model", "cost", "time"]
    assert row.split()[:2] == ["✓", "review"] and row.endswith("$0.0000003  1.5s")


def test_a_long_fan_out_is_one_line_and_its_failures() -> None:
    items = [event for index in range(30) for event in prompt(f"review[{index}]", index)]
    assert [line.split()[:3] for line in steps_text(document(started(), *items))[1:]] == [["✓", "review", "×30"]]
    assert "standard" in steps_text(document(started(), *items))[1]
    broken = [StepFailed(1.0, f"review[{index}]", "schema", "no report", 1.0) for index in range(9)]
    lines = steps_text(document(started(), *items, *broken))
    assert lines[1].split()[:3] == ["✗", "review", "×30"] and "21 of 30 done" in lines[1]
    assert [line.split()[1] for line in lines[2:]] == [f"review[{index}]" for index in range(5)]
    assert "300 + 150" in lines[1] and "$0.000009" in lines[1]
    text = run_text(
        document(started(), *items, *broken, *[StepFailed(1.0, f"b{index}", "schema", "no", 1.0) for index in range(9)])
    )
    assert "… and 8 more failed" in text


def test_models_of_a_fan_out_are_counted_where_they_differ() -> None:
    items = [event for index in range(13) for event in prompt(f"review[{index}]", index)]
    other = finished("review[0]", turn=1, cost=None)
    object.__setattr__(other, "model", "openai/gpt-5")
    lines = steps_text(document(started(), *items, other))
    assert "2 models" in lines[1] and "unpriced" in lines[1]
    sets = [StepStarted(1.0, f"s[{index}]", "s", "set", index) for index in range(13)]
    assert "0 of 13 done" in steps_text(document(started(), *sets))[1]


def test_what_a_model_was_asked_for_is_told_where_it_differs() -> None:
    named = RouteDecided(1.0, "ask", 0, "openai/gpt-5", None, None, {})
    (line,) = steps_text(document(started(), named, finished()))[1:]
    assert "openai/gpt-5-mini for openai/gpt-5" in line
    done = StepFinished(2.0, "ask", "x", 1.0)
    assert "as named" in steps_text(document(started(), named, finished(), done))[1]
    scored = RouteDecided(1.0, "ask", 0, "openai/gpt-5-mini", 0.0, "standard", {})
    assert "as named" in steps_text(document(started(), scored, finished(), done))[1]
    no_score = RouteDecided(1.0, "ask", 0, "simple", None, "simple", {})
    assert "simple  " in steps_text(document(started(), no_score, finished(), done))[1]


def test_simulated_cached_and_unpriced_are_marked() -> None:
    hit = CacheHit(1.0, "b", 0, "openai/gpt-5", "auto", "f", ChatReply("x", "stop", Usage()), Money(70))
    text = run_text(document(started(), *prompt("a", reply=SIMULATED), hit, *prompt("c", cost=None)))
    assert "~$0.0000003" in text and "openai/gpt-5 (cached)" in text and "unpriced" in text
    assert "$0.0000003 simulated, $0.0000009 possibly spent, $0.00000007 saved, 1 call unpriced" in text


def test_a_budget_is_told_beside_the_cost() -> None:
    begin = started()
    object.__setattr__(begin, "budget", Money(500_000_000))
    assert "cost: $0.0000003 of $0.5, 10" in run_text(document(begin, finished()))
    object.__setattr__(begin, "simulated", True)
    text = run_text(document(begin, finished(reply=SIMULATED)))
    assert "cost: $0.0000003 simulated of $0.5, 1,200" in text and text.startswith("review: running in 2s, simulated")


@pytest.mark.parametrize(
    ("status", "reason", "address", "hint"),
    [
        ("paused", "approval", "ship", "nano-flow approvals answer r1 ship OPTION, then nano-flow resume r1"),
        ("paused", "budget", None, "nano-flow resume r1 --budget USD goes on with a larger budget"),
        ("paused", "interrupt", None, "nano-flow resume r1 goes on"),
        ("failed", None, None, "nano-flow resume r1 tries again what failed"),
        ("failed", "budget", None, "nano-flow resume r1 --budget USD goes on with a larger budget"),
    ],
)
def test_the_last_line_is_what_to_type_next(status: Any, reason: Any, address: str | None, hint: str) -> None:
    end = RunFinished(1010.0, status, None, "went wrong", reason, address, 9.5)
    lines = run_text(document(started(), end)).splitlines()
    assert lines[-1] == hint and "went wrong" in lines
    assert lines[0].startswith(f"review: {status} ({reason})" if reason else f"review: {status} in")


def test_long_outputs_end_with_how_to_see_the_rest() -> None:
    end = RunFinished(1010.0, "succeeded", ["line"] * 100, None, None, None, 9.5)
    lines = run_text(document(started(), end)).splitlines()
    assert "output:" in lines and lines[-1] == "  … 42 more lines; --json prints them all"


def test_looks_are_given_to_whoever_paints() -> None:
    error = StepFailed(1.0, "bad", "command", "exit 1", 1.0)
    end = RunFinished(1010.0, "failed", None, "x", None, None, 9.5)
    text = run_text(document(started(), intended(), error, end), 80, lambda text, look: f"<{look}>{text}")
    assert text.startswith("<bad>review") and "<bad>bad: command" in text and "<dim>nano-flow resume" in text
