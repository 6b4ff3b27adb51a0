"""The report of a run: every field that other programs rely on, folded from events."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from nano_flow.core.calls import SAMPLE_TURNS
from nano_flow.core.events import (
    ABANDONED,
    ApprovalAnswered,
    ApprovalAsked,
    BudgetWarned,
    CacheHit,
    Event,
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
    WaitStarted,
)
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.views.document import run_document
from nano_flow.views.report import PlannedRow, RunView, planned_rows, view_of
from tests.stores.samples import failed, finished, intended, run_record, started

END = RunFinished(1010.0, "succeeded", {"report": "ok"}, None, None, None, 9.5)
SIMULATED = ChatReply("play", "stop", Usage(input_tokens=7, output_tokens=3), simulated=True)


def document(*events: Event, planned: tuple[PlannedRow, ...] = ()) -> dict[str, Any]:
    return run_document(view_of(events, planned))  # type: ignore[return-value]


def begun(address: str = "ask", at: float = 1000.5, kind: str = "prompt", **more: Any) -> StepStarted:
    return StepStarted(at, address, address.partition("[")[0], kind, **more)


def routed(turn: int = 0, requested: str = "auto", **more: Any) -> RouteDecided:
    return RouteDecided(1001.0, "ask", turn, requested, 4.5, "standard", {}, **more)


def done(address: str = "ask", output: Any = "fine", took: float = 2.0, **more: Any) -> StepFinished:
    return StepFinished(1003.0, address, output, took, **more)


def test_a_further_sample_is_an_attempt_of_its_turn_and_not_the_steps_model() -> None:
    sample = replace(finished(turn=3 + 2 * SAMPLE_TURNS), model="openai/gpt-5")
    step = document(started(), begun(), routed(turn=3), finished(turn=3), sample, done())["steps"][0]
    assert [(entry["turn"], entry.get("sample")) for entry in step["attempts"]] == [(3, None), (3, 2)]
    assert step["model"] == "openai/gpt-5-mini"


def test_a_whole_run_is_told_with_all_fields() -> None:
    checked = ReplyChecked(1002.5, "ask", 0, "openai/gpt-5-mini", True, "judge", "p1", 0.8)
    told = document(started(), begun(), routed(), intended(), finished(), checked, done(), END)
    assert json.loads(json.dumps(told)) == told
    step = told.pop("steps")[0]
    assert told == {
        "schema": "nano-flow/run@1",
        "run_id": "r1",
        "workflow": "review",
        "file": "review.yaml",
        "plan_digest": "sha256:1",
        "inputs": {"n": 1},
        "status": "succeeded",
        "simulated": False,
        "started_at": "1970-01-01T00:16:40.000Z",
        "duration_s": 9.5,
        "lives": 1,
        "outputs": {"report": "ok"},
        "error": None,
        "stop": {"reason": None, "address": None},
        "cost": {
            "usd": "0.0000003",
            "possibly_spent_usd": "0",
            "saved_usd": "0",
            "simulated_usd": "0",
            "unpriced_calls": 0,
            "budget_usd": None,
        },
        "usage": step["usage"],
        "policy": {},
    }
    assert step["usage"]["input_tokens"] == 10 and step["usage"]["output_tokens"] == 5
    del step["usage"]
    attempt = {"turn": 0, "model": "openai/gpt-5-mini", "error": None, "duration_s": 0.5, "cost_usd": "0.0000003"}
    assert step == {
        "address": "ask",
        "id": "ask",
        "item": None,
        "iteration": None,
        "kind": "prompt",
        "reason": None,
        "status": "succeeded",
        "requested_model": "auto",
        "model": "openai/gpt-5-mini",
        "score": 4.5,
        "tier": "standard",
        "attempts": [attempt],
        "checks": [{"turn": 0, "model": "openai/gpt-5-mini", "passed": True, "by": "judge", "score": 0.8}],
        "retries": 0,
        "cost_usd": "0.0000003",
        "simulated": False,
        "cached": False,
        "replayed": False,
        "tolerated": False,
        "case": None,
        "output": "fine",
        "error": None,
        "duration_s": 2.0,
    }


def test_before_the_first_event_there_is_a_document_too() -> None:
    told = document(planned=(PlannedRow("ask", "ask", "prompt"),))
    assert (told["status"], told["run_id"], told["started_at"], told["duration_s"]) == ("running", None, None, 0.0)
    assert [(step["address"], step["status"]) for step in told["steps"]] == [("ask", "pending")]


def test_a_run_that_died_before_its_first_event_is_known_by_its_head() -> None:
    view = RunView()
    view.head = run_record("r7", simulated=True)
    view.owner_is_gone = True
    told: Any = run_document(view)
    assert (told["run_id"], told["workflow"], told["simulated"], told["status"]) == ("r7", "review", True, "paused")
    assert told["policy"]["routing"]["file"] == "routing.yaml"


def test_simulated_money_is_kept_apart_from_real_money() -> None:
    told = document(started(), finished(), finished("play", reply=SIMULATED, cost=Money(70)))
    assert (told["cost"]["usd"], told["cost"]["simulated_usd"]) == ("0.0000003", "0.00000007")
    assert [(s["address"], s["simulated"], s["cost_usd"]) for s in told["steps"]] == [
        ("ask", False, "0.0000003"),
        ("play", True, "0.00000007"),
    ]


def test_what_a_simulated_call_may_have_cost_counts_only_in_a_rehearsal() -> None:
    lost = failed(possibly_spent=Money(900), simulated=True)
    saved = CacheHit(1.0, "b", 0, "sim/small", "auto", "f", SIMULATED, Money(50))
    real = document(started(), lost, saved)["cost"]
    assert (real["possibly_spent_usd"], real["saved_usd"]) == ("0", "0")
    rehearsal = started()
    object.__setattr__(rehearsal, "simulated", True)
    told = document(rehearsal, lost, saved)
    assert told["simulated"] is True
    assert (told["cost"]["possibly_spent_usd"], told["cost"]["saved_usd"]) == ("0.0000009", "0.00000005")


def test_an_unknown_price_makes_the_cost_of_its_step_unknown() -> None:
    told = document(started(), finished(cost=None, unpriced="no entry"), finished(turn=1))
    assert told["steps"][0]["cost_usd"] is None
    assert [attempt["cost_usd"] for attempt in told["steps"][0]["attempts"]] == [None, "0.0000003"]
    assert (told["cost"]["usd"], told["cost"]["unpriced_calls"]) == ("0.0000003", 1)


def test_a_failed_call_without_a_price_is_unknown_too() -> None:
    lost = failed(cost=None, unpriced="no entry", usage=Usage(5))
    told = document(started(), lost, finished(turn=1))
    assert [attempt["cost_usd"] for attempt in told["steps"][0]["attempts"]] == [None, "0.0000003"]
    assert told["steps"][0]["cost_usd"] is None and told["cost"]["unpriced_calls"] == 1


def test_failed_attempts_are_told_before_the_one_that_answered() -> None:
    late = failed(possibly_spent=Money(900), cost=Money(2), usage=Usage(input_tokens=1))
    told = document(started(), intended(), late, intended(attempt=1), finished(attempt=1))
    assert [attempt["error"] for attempt in told["steps"][0]["attempts"]] == ["timeout", None]
    assert told["cost"]["possibly_spent_usd"] == "0.0000009"
    assert told["steps"][0]["cost_usd"] == "0.000000302"


def test_calls_in_flight_are_at_risk_once_the_run_is_over() -> None:
    view = view_of([started(), intended(), intended("b")])
    assert run_document(view)["cost"]["possibly_spent_usd"] == "0"  # type: ignore[index, call-overload]
    view.owner_is_gone = True
    told: Any = run_document(view)
    assert told["cost"]["possibly_spent_usd"] == "0.0000018"
    assert (told["status"], told["stop"]) == ("paused", {"reason": "crash", "address": None})


def test_calls_to_the_simulator_in_flight_of_a_real_run_risk_nothing() -> None:
    ask = intended()
    object.__setattr__(ask, "model", "sim/small")
    view = view_of([started(), ask])
    view.owner_is_gone = True
    assert run_document(view)["cost"]["possibly_spent_usd"] == "0"  # type: ignore[index, call-overload]


def test_the_model_of_a_judge_is_not_the_model_of_the_step() -> None:
    judge = finished(turn=1)
    object.__setattr__(judge, "model", "openai/gpt-5")
    repair = routed(turn=2, requested="complex")
    told = document(started(), routed(), finished(), routed(1, "openai/gpt-5", purpose="judge"), judge, repair)
    step = told["steps"][0]
    assert (step["model"], step["requested_model"]) == ("openai/gpt-5-mini", "complex")
    assert [attempt["model"] for attempt in step["attempts"]] == ["openai/gpt-5-mini", "openai/gpt-5"]


def test_a_reply_from_the_cache_is_marked_and_saves() -> None:
    reply = ChatReply("known", "stop", Usage(input_tokens=10))
    hit = CacheHit(1001.0, "ask", 0, "openai/gpt-5", "auto", "f", reply, Money(70))
    told = document(started(), begun(), hit, done())
    step = told["steps"][0]
    assert (step["cached"], step["model"], step["attempts"], step["cost_usd"]) == (True, "openai/gpt-5", [], "0")
    assert told["cost"]["saved_usd"] == "0.00000007"
    assert document(started(), hit, finished(turn=1))["steps"][0]["cached"] is False


def test_failures_skips_retries_and_recoveries_are_told() -> None:
    told = document(
        started(),
        begun("a", kind="run"),
        StepRetried(1001.0, "a", 1, "command", "exit 1", 0.5),
        StepFailed(1002.0, "a", "command", "exit 2", 1.0),
        StepSkipped(1002.0, "b", "b", "set", "upstream_failed", "a"),
        begun("c"),
        StepFailed(1002.0, "c", "command", "exit 2", 1.0),
        done("c", recovered="exit 2"),
    )
    a, b, c = told["steps"]
    assert (a["status"], a["retries"], a["error"]) == ("failed", 1, {"class": "command", "message": "exit 2"})
    assert (b["status"], b["reason"], b["kind"], b["duration_s"]) == ("skipped", "upstream_failed", "set", None)
    assert (c["status"], c["output"], c["error"]) == ("succeeded", "fine", {"class": "recovered", "message": "exit 2"})


def test_people_and_waits_make_a_step_wait() -> None:
    events: list[Event] = [started(), begun("ship"), ApprovalAsked(1.0, "ship", "Publish?", ("yes",))]
    assert document(*events)["steps"][0]["status"] == "waiting"
    events.append(ApprovalAnswered(2.0, "ship", "yes", None, "", "ann"))
    assert document(*events)["steps"][0]["status"] == "running"
    assert document(*events, done("ship"), events[-1])["steps"][0]["status"] == "succeeded"
    assert document(started(), begun("nap"), WaitStarted(1.0, "nap", 9.0))["steps"][0]["status"] == "waiting"


PLANNED = (
    PlannedRow("list", "list", "set"),
    PlannedRow("review", "review", "prompt"),
    PlannedRow("group", "group", "steps"),
    PlannedRow("group.inner", "inner", "run"),
    PlannedRow("group.inner", "inner", "run"),
    PlannedRow("tell", "tell", "run"),
)


def addresses(told: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(step["address"], step["status"], step["reason"]) for step in told["steps"]]


def test_planned_steps_are_there_before_they_begin_and_in_order() -> None:
    items = [StepExpanded(1.0, "review", "review", "prompt", "for_each", 3), *(begun(f"review[{i}]") for i in (2, 0))]
    assert addresses(document(started(), *items, begun("list", kind="set"), planned=PLANNED)) == [
        ("list", "running", None),
        ("review[0]", "running", None),
        ("review[2]", "running", None),
        ("group", "pending", None),
        ("group.inner", "pending", None),
        ("tell", "pending", None),
    ]


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [("failed", None, "run_stopped"), ("succeeded", None, "branch_not_taken"), ("paused", "approval", None)],
)
def test_what_never_began_says_why_once_the_run_is_over(status: Any, reason: Any, expected: str | None) -> None:
    end = RunFinished(1010.0, status, None, None, reason, None, 1.0)
    skipped = StepSkipped(2.0, "group", "group", "steps", "condition")
    told = addresses(document(started(), skipped, end, planned=PLANNED))
    assert told[2:4] == [("group", "skipped", "condition"), ("group.inner", "skipped", "condition")]
    assert told[4] == ("tell", "skipped" if expected else "pending", expected)


def test_an_empty_list_succeeds_with_no_items() -> None:
    expanded = StepExpanded(1.0, "review", "review", "prompt", "for_each", 0)
    told = document(started(), expanded, StepCollected(2.0, "review", "succeeded", 0.1), planned=PLANNED[1:2])
    assert addresses(told) == [("review", "succeeded", None)]
    assert (told["steps"][0]["output"], told["steps"][0]["duration_s"]) == ([], 0.1)


def test_a_list_that_cannot_be_read_fails_its_step() -> None:
    told = document(started(), StepCollected(2.0, "review", "failed", 0.1, "for_each", "no list"), planned=PLANNED[1:2])
    assert addresses(told) == [("review", "failed", None)]
    assert told["steps"][0]["error"] == {"class": "for_each", "message": "no list"}
    assert told["steps"][0]["kind"] == "prompt"


def test_a_fan_out_that_is_recovered_has_no_row_of_its_own() -> None:
    items = [StepExpanded(1.0, "review", "review", "prompt", "for_each", 1), begun("review[0]")]
    failure = StepCollected(2.0, "review", "failed", 0.1, "command", "1 of 1 items failed")
    view = view_of([started(), *items, failure])
    assert view.expansions["review"].error == ("command", "1 of 1 items failed")
    view.apply(done("review", recovered="1 of 1 items failed"))
    assert view.expansions["review"].status == "succeeded"
    assert list(view.steps) == ["review[0]"]


def test_the_case_of_a_switch_shares_the_row_of_the_switch() -> None:
    told = document(started(), begun("route", kind="switch"), begun("route"), done("route"), done("route", case="bug"))
    assert [(step["kind"], step["case"]) for step in told["steps"]] == [("switch", "bug")]


def test_a_run_that_pauses_runs_nothing_and_waits_for_what_stopped_it() -> None:
    paused = RunFinished(1005.0, "paused", None, None, "approval", "group.ask", 4.0)
    ask = ApprovalAsked(1.0, "group.ask", "Publish?", ("yes",))
    told = document(started(), begun("group"), begun("group.ask"), ask, begun("other"), paused)
    assert addresses(told) == [
        ("group", "waiting", None),
        ("group.ask", "waiting", None),
        ("other", "pending", None),
    ]
    assert told["stop"] == {"reason": "approval", "address": "group.ask"}


def test_a_run_that_pauses_again_at_the_same_question_waits_for_it() -> None:
    paused = RunFinished(1005.0, "paused", None, None, "approval", "ship", 4.0)
    ask = ApprovalAsked(1.0, "ship", "Publish?", ("yes",))
    again = (started(2000.0, resumed=True), begun("ship", 2000.0), paused)
    assert addresses(document(started(), begun("ship"), ask, paused, *again)) == [("ship", "waiting", None)]


def test_a_resumed_run_keeps_what_was_paid_and_decides_the_rest_anew() -> None:
    first = [started(), begun(), intended(), finished(), done(took=5.0), begun("b"), intended("b")]
    lost = failed("b", at=9000.0, error=ABANDONED, possibly_spent=Money(900))
    second = [started(9001.0, resumed=True), begun(at=9001.0), done(took=0.0), begun("b", 9001.0)]
    stopped = StepSkipped(1003.0, "c", "c", "set", "run_stopped")
    view = view_of([*first, stopped, StepSkipped(1003.0, "d", "d", "set", "run_stopped"), lost, *second])
    view.apply(StepSkipped(9001.0, "d", "d", "set", "condition"))
    told: Any = run_document(view)
    assert told["cost"]["usd"] == "0.0000003" and told["cost"]["possibly_spent_usd"] == "0.0000009"
    assert [(step["address"], step["status"], step["duration_s"]) for step in told["steps"]] == [
        ("ask", "succeeded", 5.0),
        ("b", "running", None),
        ("c", "pending", None),
        ("d", "skipped", None),
    ]
    assert told["steps"][3]["reason"] == "condition"
    assert (told["lives"], told["started_at"]) == (2, "1970-01-01T00:16:40.000Z")
    # The first life died with its last event; the second one began at 9001 and has seen nothing later.
    assert told["duration_s"] == 3.0
    view.apply(RunFinished(9004.0, "succeeded", None, None, None, None, 3.0))
    assert run_document(view)["duration_s"] == 6.0


def test_warnings_are_kept_and_progress_is_not() -> None:
    warned = BudgetWarned(1.0, "", 0.8, Money(8), Money(10))
    view = view_of([started(), warned, TextStreamed(1.0, "ask", 0, "piece")])
    assert view.notices == [warned] and view.steps == {}


def test_the_rows_of_a_head_know_their_ids() -> None:
    assert planned_rows({"a": "steps", "a.b": "set"}) == [PlannedRow("a", "a", "steps"), PlannedRow("a.b", "b", "set")]


def test_ten_thousand_items_take_little_memory() -> None:
    reply = ChatReply("same", "stop", Usage(input_tokens=10, output_tokens=5))
    view = RunView()
    view.apply(started())
    tracemalloc.start()
    for item in range(1000):
        address = f"review[{item}]"
        for event in (begun(address, item=item), finished(address, reply=reply), done(address, None)):
            view.apply(event)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used / 1000 < 2000
