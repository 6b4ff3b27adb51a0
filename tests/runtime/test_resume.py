"""What a further life of a run does again, and what not."""

from __future__ import annotations

import itertools
from dataclasses import replace

from nano_flow.core.events import Event, StepFinished, ToolIntended, WaitStarted
from nano_flow.plan.kinds.wait import PlannedWait
from nano_flow.plan.plan import Plan, PlannedRepeat
from tests.plan.compiling import plan_of
from tests.runtime.generated import World, live
from tests.runtime.kit import NOTHING, Kit, step, values

FAILS = """
steps:
  g: {steps: {a: {run: [good, a]}}, finally: {swept: {run: [sweep]}}}
  p: {prompt: hello, model: sim/small, needs: [g]}
  b: {run: [bad, b], needs: [p]}
on_failure: {tell: {run: [tell]}, sum: {prompt: sum up, model: sim/small}}
finally: {clean: {run: [clean]}}
"""


def again(plan: Plan, events: list[Event]) -> list[str]:
    """The commands of the next life, by their first word."""
    world = World()
    live(plan, world, events)
    return [argv[0] for argv in world.commands.elements()]


def test_handlers_run_at_every_end_and_paid_replies_are_kept() -> None:
    plan, world = plan_of(FAILS), World()
    _, events = live(plan, world)
    assert sorted(world.commands) == [("bad", "b"), ("clean",), ("good", "a"), ("sweep",), ("tell",)]
    second = World()
    _, more = live(plan, second, events)
    assert sorted(second.commands) == [("bad", "b"), ("clean",), ("tell",)]
    assert second.asked == {}
    assert sorted(again(plan, [*events, *more])) == ["bad", "clean", "tell"]


def test_a_crash_in_the_handlers_goes_on_with_them() -> None:
    plan = plan_of(FAILS)
    _, events = live(plan, World())
    told = next(n for n, e in enumerate(events) if isinstance(e, StepFinished) and e.address == "tell")
    assert sorted(again(plan, events[: told + 1])) == ["bad", "clean"]


def test_handlers_of_a_group_that_failed_belong_to_its_new_end() -> None:
    plan = plan_of("steps: {g: {steps: {a: {run: [bad, a]}}, finally: {swept: {run: [sweep]}}}}")
    _, events = live(plan, World())
    assert sorted(again(plan, events)) == ["bad", "sweep"]


def test_a_wait_that_is_over_is_not_waited_for_again() -> None:
    waited = {"w": WaitStarted(0.0, "w", 999_000.0, "wait 3600 0"), "l[1]": WaitStarted(0.0, "l[1]", 999_000.0)}
    kit = Kit(recorded=replace(NOTHING, waits=waited))
    loop = values("l", n=1, repeat=PlannedRepeat(None, 2, every_s=3600.0))
    assert kit.run([step("w", "wait", PlannedWait(3600.0)), loop]).status == "succeeded"
    assert kit.clock.time == 1_000_000.0


def test_a_wait_that_was_made_longer_is_another_wait() -> None:
    kit = Kit(recorded=replace(NOTHING, waits={"w": WaitStarted(0.0, "w", 999_000.0, "wait 5 0")}))
    assert kit.run([step("w", "wait", PlannedWait(60.0))]).status == "succeeded"
    assert kit.clock.time >= 1_000_060.0


def test_an_iteration_counts_its_pace_from_its_start() -> None:
    plan = plan_of("steps: {l: {repeat: {max_iterations: 4, every: 10s}, run: [good, l]}}")
    _, events = live(plan, World())
    starts = [e.at for e in events if isinstance(e, ToolIntended)]
    assert [later - first for first, later in itertools.pairwise(starts)] == [10.0] * 3
