"""A sub-workflow's own limits hold inside it, beside those of the run."""

from __future__ import annotations

from nano_flow.core.events import Event, StepFailed, StepFinished, StepStarted
from nano_flow.plan.plan import Plan
from tests.plan.compiling import plan_of
from tests.runtime.generated import World, live

HEAD = "nano_flow: 1\nname: sub\n"


def nested(limits: str, steps: str, more: str = "", run: str = "") -> Plan:
    """A workflow with one step ``s``, the sub-workflow with ``limits`` and ``steps``."""
    files = {"sub.yaml": f"{HEAD}limits: {limits}\nsteps: {steps}\n{more}"}
    return plan_of(f"{run}steps: {{s: {{workflow: ./sub.yaml, on_error: continue}}, z: {{set: {{n: 1}}}}}}", files)


def most_at_once(events: list[Event]) -> int:
    running, most = set[str](), 0
    for event in events:
        if isinstance(event, StepStarted) and event.kind == "run" and event.address.startswith("s."):
            running.add(event.address)
            most = max(most, len(running))
        elif isinstance(event, StepFinished):
            running.discard(event.address)
    return most


def failures(events: list[Event]) -> dict[str, str]:
    return {str(event.address): event.error for event in events if isinstance(event, StepFailed)}


FAN = "{a: {for_each: [1, 2, 3, 4, 5, 6], run: [good, '{{ item }}']}, b: {for_each: [1, 2], run: [good, b]}}"


def test_the_tighter_max_parallel_holds() -> None:
    for limits, run, expected in (
        ("{max_parallel: 2}", "", 2),
        ("{max_parallel: 3}", "limits: {max_parallel: 2}\n", 2),
        ("{steps: 100}", "limits: {max_parallel: 7}\n", 7),
    ):
        end, events = live(nested(limits, FAN, run=run), World())
        assert (end.status, most_at_once(events)) == ("succeeded", expected), limits


def test_a_sub_workflow_does_not_lower_what_it_does_not_speak_of() -> None:
    steps = "{a: {for_each: " + str(list(range(20))) + ", run: [good, a]}}"
    _, events = live(nested("{timeout: 1h}", steps, run="limits: {max_parallel: 20}\n"), World())
    assert most_at_once(events) == 20


def test_its_steps_are_counted_and_more_fail_it_alone() -> None:
    steps = "{a: {run: [good, a]}, f: {for_each: '{{ range(steps.a.output.exit_code + 2) | list }}', run: [good, f]}}"
    assert failures(live(nested("{steps: 3}", steps), World())[1]) == {}
    end, events = live(nested("{steps: 2}", steps, "finally: {c: {set: {d: 1}}}\n"), World())
    assert (end.status, end.stop) == ("succeeded", None)
    assert failures(events)["s"] == "limit"
    assert [e.address for e in events if isinstance(e, StepStarted) and e.kind == "run"] == ["s.a"]


def test_each_execution_counts_anew_and_the_runs_own_bound_stays() -> None:
    files = {"sub.yaml": f"{HEAD}limits: {{steps: 2}}\nsteps: {{a: {{run: [good, a]}}, b: {{run: [good, b]}}}}\n"}
    text = (
        "steps: {n: {run: [good, n]}, s: {for_each: '{{ range(steps.n.output.exit_code + 3) }}', workflow: ./sub.yaml}}"
    )
    assert live(plan_of(text, files), World())[0].status == "succeeded"
    end, events = live(plan_of(f"limits: {{steps: 4}}\n{text}", files), World())
    assert (end.status, end.reason) == ("failed", "limit")
    assert sum(isinstance(e, StepStarted) and e.kind == "run" for e in events) == 4


SLOW = (
    "{a: {run: [good, a]}, w: {wait: 1h, needs: [a]}, b: {run: [good, b], needs: [w]}, c: {run: [good, c], needs: [b]}}"
)


def test_its_timeout_counts_its_own_active_time() -> None:
    """Each command takes a second; the wait of an hour does not count."""
    assert live(nested("{timeout: 4s}", SLOW), World())[0].status == "succeeded"
    world = World()
    end, events = live(nested("{timeout: 2500ms}", SLOW, "finally: {d: {run: [clean]}}\n"), world)
    assert end.status == "succeeded"
    assert failures(events)["s"] == "limit"
    assert sorted(world.commands) == [("clean",), ("good", "a"), ("good", "b"), ("good", "c")]
    assert "s.c" not in [e.address for e in events if isinstance(e, StepFinished)]


def test_a_resume_goes_on_with_the_time_that_is_left() -> None:
    plan = nested("{timeout: 2500ms}", SLOW)
    _, events = live(plan, World())
    cut = next(n for n, e in enumerate(events) if isinstance(e, StepFinished) and e.address == "s.b")
    world = World()
    _, later = live(plan, world, events[: cut + 1])
    assert failures(later)["s"] == "limit"
    assert ("good", "a") not in world.commands


def test_one_that_ended_in_time_is_only_replayed() -> None:
    plan = nested("{timeout: 3s}", "{a: {run: [good, a]}, b: {run: [good, b], needs: [a]}}")
    _, events = live(plan, World())
    done = next(n for n, e in enumerate(events) if isinstance(e, StepFinished) and e.address == "s")
    world = World()
    end, later = live(plan, world, events[: done + 1])
    assert (end.status, failures(later)) == ("succeeded", {})
    assert not {("good", "a"), ("good", "b")} & set(world.commands)
