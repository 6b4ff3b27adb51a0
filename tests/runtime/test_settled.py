"""What a life keeps of the failures that the one before tolerated."""

from __future__ import annotations

from nano_flow.core.calls import Reopened
from nano_flow.core.events import Event, StepFailed, StepsReopened
from nano_flow.plan.plan import Plan
from nano_flow.stores.recorded import recorded_work
from tests.plan.compiling import plan_of
from tests.runtime.generated import World, live

PLAN = "steps: {g: {steps: {a: {run: [bad, a]}}, on_error: continue}, p: {needs: [g], run: [good, p]}}"


def ran(plan: Plan, events: list[Event]) -> list[tuple[str, ...]]:
    world = World()
    live(plan, world, events)
    return sorted(world.commands)


def test_a_failure_of_another_definition_is_none() -> None:
    _, events = live(plan_of(PLAN), World())
    assert ran(plan_of(PLAN), events) == []
    assert ran(plan_of(PLAN.replace("[bad, a]", "[bad, b]")), events) == [("bad", "b")]


def test_one_that_an_older_version_wrote_carries_no_fingerprint_and_is_tried_again() -> None:
    _, events = live(plan_of(PLAN), World())
    old: list[Event] = [
        StepFailed(e.at, e.address, e.error, e.message, e.duration_s, e.tolerated) if isinstance(e, StepFailed) else e
        for e in events
    ]
    assert ran(plan_of(PLAN), old) == [("bad", "a")]


def test_what_is_done_again_has_no_past_also_where_the_new_life_dies_at_once() -> None:
    _, events = live(plan_of(PLAN), World())
    order = StepsReopened(9e9, "", ("g",))
    work = recorded_work([*events, order])
    assert not work.tolerated and list(work.tools) == [("p", 0, "run")]
    reopened = Reopened(order)
    assert not reopened.covers("gg") and reopened.covers("g.a") and reopened.covers("g[1].a")
    inner = Reopened(StepsReopened(9e9, "", ("g[1].a",), ("h.b",)))
    assert inner.reaches("g[1]") and inner.reaches("h") and not inner.covers("h") and not inner.reaches("g[2]")
