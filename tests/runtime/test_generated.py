"""Any workflow ends, within its bounds, with a well-formed story, and goes on from any point of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nano_flow.core.events import (
    CallFinished,
    CallIntended,
    Event,
    RunFinished,
    StepCollected,
    StepExpanded,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    ToolCalled,
    ToolIntended,
)
from nano_flow.core.messages import Json
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep
from nano_flow.plan.walk import every_step
from tests.plan.compiling import compile_text
from tests.runtime.generated import World, as_text, live, workflows

_INDEX = re.compile(r"\[\d+\]")
_SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def planned(document: dict[str, Json]) -> Plan:
    result = compile_text(as_text(document))
    # A step that nothing can reach is refused, and so is an end that is tolerated.
    assume(not any(d.code in ("NF332", "NF334") for d in result.diagnostics))
    assert result.plan is not None, [str(d) for d in result.diagnostics]
    return result.plan


@_SETTINGS
@given(workflows(ends=True))
def test_every_workflow_ends_within_its_bounds_and_tells_it_well(document: dict[str, Json]) -> None:
    plan = planned(document)
    end, events = live(plan, World())
    assert end.status in ("succeeded", "failed")
    assert isinstance(events[-1], RunFinished)
    assert badly_told(events) == []
    assert_within_bounds(plan, events)
    assert_plan_and_run_agree(plan, events)


@_SETTINGS
@given(workflows(ends=False), st.data())
def test_a_run_goes_on_from_any_point_to_the_same_end(document: dict[str, Json], data: st.DataObject) -> None:
    plan = planned(document)
    whole, events = live(plan, World())
    assume(len(events) > 2)
    cut = data.draw(st.integers(1, len(events) - 1), label="events that survive")
    kept = events[:cut]
    again, later = live(plan, World(), kept)
    assert (again.status, again.outputs) == (whole.status, whole.outputs)
    assert done_places(kept) & {place_of(e) for e in later if isinstance(e, CallIntended | ToolIntended)} == set()


def done_places(events: list[Event]) -> set[tuple[str, int, str]]:
    """The model calls and commands that need not be repeated."""
    return {
        place_of(e) for e in events if isinstance(e, CallFinished) or (isinstance(e, ToolCalled) and _exited_well(e))
    }


def place_of(event: CallIntended | CallFinished | ToolIntended | ToolCalled) -> tuple[str, int, str]:
    return event.address, event.turn, getattr(event, "call", "model")


def _exited_well(event: ToolCalled) -> bool:
    return isinstance(event.result, dict) and event.result.get("exit_code") == 0


def badly_told(events: list[Event]) -> list[str]:
    """Executions that were not settled exactly once for each time they started."""
    started, settled = Counter[str](), Counter[str]()
    for event in events:
        if isinstance(event, StepStarted):
            started[event.address] += 1
        elif isinstance(event, StepFailed) or (isinstance(event, StepFinished) and not event.recovered):
            settled[event.address] += 1
        elif isinstance(event, StepSkipped) and started[event.address] > settled[event.address]:
            assert event.reason == "run_stopped"  # cut off by a finish or fail
            settled[event.address] += 1
    return [a for a in {*started, *settled} if started[a] != settled[a]]


def assert_within_bounds(plan: Plan, events: list[Event]) -> None:
    times = Counter(_INDEX.sub("", e.address) for e in events if isinstance(e, StepStarted))
    bounds = Counter[str]()
    for path, most in bounds_of(plan.graph, "", 1):
        bounds[path] += most
    assert {path: n for path, n in times.items() if n > bounds[path]} == {}


def bounds_of(graph: PlannedGraph, prefix: str, factor: int) -> Iterator[tuple[str, int]]:
    """How often each step may start; the branches of a switch share its address, one of them is taken."""
    graphs = [(graph, factor), (graph.on_failure, factor), (graph.finally_, factor)]
    for inner, times in graphs:
        for step in inner.steps if inner is not None else ():
            yield from _bounds(step, f"{prefix}{step.id}", times)


def _bounds(step: PlannedStep, path: str, factor: int) -> Iterator[tuple[str, int]]:
    items = len(step.for_each.over) if step.for_each and isinstance(step.for_each.over, list) else 1
    times = factor * max(items, 1) * (step.repeat.max_iterations if step.repeat else 1)
    yield path, times
    inside = times * (step.retry.max_attempts if step.retry else 1)
    if isinstance(step.spec, PlannedGroup):
        yield from bounds_of(step.spec.graph, f"{path}.", inside)
    elif isinstance(step.spec, PlannedSwitch):
        for case in (*step.spec.cases.values(), *filter(None, [step.spec.default])):
            yield from _bounds(case, path, inside)


def assert_plan_and_run_agree(plan: Plan, events: list[Event]) -> None:
    known = {path for path, _ in every_step(plan.graph)}
    told = (StepStarted, StepSkipped, StepExpanded, StepCollected)
    seen = {_INDEX.sub("", e.address) for e in events if isinstance(e, told)}
    assert seen - known == set()
    assert {step.id for step in plan.graph.steps} - seen == set()
