"""Joins and failure rules, without an event loop."""

from __future__ import annotations

import pytest

from nano_flow.core.outcomes import Ended, Failed, Failure, Skipped, StepOutcome, Succeeded, Waiting
from nano_flow.plan.plan import PlannedGraph
from nano_flow.runtime.state import GraphState, Tally, Topology, join
from tests.runtime.kit import values

GOOD = Succeeded(1)
BAD = Failed(Failure("command", "exit code 1"))
TOLERATED = Failed(Failure("command", "exit code 1"), tolerated=True)
SKIP = Skipped("condition")
UPSTREAM = Skipped("upstream_failed")

# rule, outcomes of the two upstream steps, what becomes of the step below them
TABLE = [
    ("all_success", (GOOD, GOOD), "start"),
    ("all_success", (GOOD, TOLERATED), "start"),
    ("all_success", (GOOD, SKIP), "trigger_rule"),
    ("all_success", (GOOD, BAD), "upstream_failed"),
    ("all_success", (SKIP, BAD), "upstream_failed"),
    ("all_success", (GOOD, UPSTREAM), "upstream_failed"),
    ("none_failed", (GOOD, SKIP), "start"),
    ("none_failed", (SKIP, SKIP), "start"),
    ("none_failed", (GOOD, TOLERATED), "start"),
    ("none_failed", (GOOD, BAD), "upstream_failed"),
    ("none_failed", (SKIP, UPSTREAM), "upstream_failed"),
    ("one_success", (GOOD, BAD), "start"),
    ("one_success", (SKIP, SKIP), "trigger_rule"),
    ("one_success", (TOLERATED, TOLERATED), "trigger_rule"),
    ("one_success", (BAD, SKIP), "upstream_failed"),
    ("one_success", (BAD, BAD), "upstream_failed"),
    ("none_failed_min_one_success", (GOOD, SKIP), "start"),
    ("none_failed_min_one_success", (SKIP, SKIP), "trigger_rule"),
    ("none_failed_min_one_success", (TOLERATED, SKIP), "trigger_rule"),
    ("none_failed_min_one_success", (GOOD, BAD), "upstream_failed"),
    ("one_failed", (GOOD, BAD), "start"),
    ("one_failed", (GOOD, UPSTREAM), "start"),
    ("one_failed", (GOOD, SKIP), "trigger_rule"),
    ("one_failed", (GOOD, TOLERATED), "trigger_rule"),
    ("all_done", (GOOD, BAD), "start"),
    ("all_done", (SKIP, UPSTREAM), "start"),
]


def state_of(*steps) -> GraphState:  # type: ignore[no-untyped-def]
    return GraphState.of(Topology.of(PlannedGraph(tuple(steps))))


def ids(steps) -> list[str]:  # type: ignore[no-untyped-def]
    return [step.id for step in steps]


@pytest.mark.parametrize(("rule", "outcomes", "expected"), TABLE)
def test_truth_table(rule: str, outcomes: tuple[StepOutcome, StepOutcome], expected: str) -> None:
    tally = Tally(0)
    for outcome in outcomes:
        kind = {id(GOOD): "success", id(BAD): "failed", id(TOLERATED): "tolerated", id(SKIP): "skipped"}
        name = kind.get(id(outcome), "failed")
        setattr(tally, name, getattr(tally, name) + 1)
    assert join(rule, tally) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "outcomes", "expected"), [row for row in TABLE if UPSTREAM not in row[1]])
def test_truth_table_through_a_graph(rule: str, outcomes: tuple[StepOutcome, StepOutcome], expected: str) -> None:
    state = state_of(values("a"), values("b"), values("c", ["a", "b"], trigger_rule=rule))
    state.begin()
    started = ids(state.advance("a", outcomes[0])) + ids(state.advance("b", outcomes[1]))
    assert ("c" in started) == (expected == "start")
    if expected != "start":
        assert state.outcomes["c"] == Skipped(expected)  # type: ignore[arg-type]


def test_one_success_does_not_wait_for_the_others() -> None:
    state = state_of(values("a"), values("b"), values("c", ["a", "b"], trigger_rule="one_success"))
    state.begin()
    assert ids(state.advance("b", GOOD)) == ["c"]
    assert state.advance("a", GOOD) == []


def test_a_reference_beside_needs_is_waited_for() -> None:
    state = state_of(values("a"), values("b"), values("c", ["a"], references=("b",)))
    state.begin()
    assert state.advance("a", GOOD) == []
    assert ids(state.advance("b", SKIP)) == ["c"]


def test_failing_starts_only_what_the_failure_admits() -> None:
    state = state_of(
        values("a"),
        values("slow"),
        values("later", ["slow"]),
        values("mend", ["a"], trigger_rule="one_failed"),
        values("after_mend", ["mend"]),
        values("report", ["later", "a"], trigger_rule="all_done"),
    )
    assert ids(state.begin()) == ["a", "slow"]
    assert ids(state.advance("a", BAD)) == ["mend", "report"] or ids(state.begin()) == []
    assert state.outcomes["later"] == Skipped("run_stopped")
    assert ids(state.advance("mend", GOOD)) == ["after_mend"]
    assert state.advance("slow", GOOD) == []
    assert state.first_failure == ("a", BAD)


def test_a_tolerated_failure_stops_nothing() -> None:
    state = state_of(values("a"), values("b", ["a"]), values("c"))
    state.begin()
    assert ids(state.advance("a", TOLERATED)) == ["b"]
    assert state.first_failure is None


def test_finish_skips_the_rest() -> None:
    state = state_of(values("a"), values("b", ["a"]), values("c", ["b"], trigger_rule="all_done"))
    state.begin()
    assert state.advance("a", Ended(False, "enough")) == []
    assert [skip for _, skip in state.fresh_skips] == [Skipped("run_stopped")] * 2
    assert state.cut_short


def test_waiting_settles_nothing() -> None:
    state = state_of(values("a"), values("b", ["a"], trigger_rule="all_done"))
    state.begin()
    assert state.advance("a", Waiting("approval", "a")) == []
    assert "b" not in state.outcomes
    assert state.waiting == [Waiting("approval", "a")]


def test_what_an_earlier_attempt_kept_is_not_started() -> None:
    topology = Topology.of(PlannedGraph((values("a"), values("b", ["a"]))))
    state = GraphState.of(topology, {"a": GOOD})
    assert ids(state.begin()) == ["b"]
