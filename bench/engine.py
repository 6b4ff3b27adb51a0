"""Plans of no-op steps and the services of a run, put together without documents and without models."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import cast

from nano_flow.core.diagnostics import SourceRange
from nano_flow.gateway.gateway import Gateway
from nano_flow.plan.kinds.set import PlannedSet
from nano_flow.plan.plan import Plan, PlannedForEach, PlannedGraph, PlannedLimits, PlannedStep
from nano_flow.ports import Commands, Journal
from nano_flow.runtime.recorder import Recorder
from nano_flow.runtime.run import RunOrder, run_plan
from nano_flow.steps.context import Services, Toolbox

_WHERE = SourceRange("noops.yaml", 1, 1, 1, 2)


class RealClock:
    """The clock of the machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        return contextlib.nullcontext() if seconds is None else asyncio.timeout(seconds)


class Quiet:
    """A sink that counts events, as progress or metrics would."""

    def __init__(self) -> None:
        self.seen = 0

    def handle(self, event: object) -> None:
        self.seen += 1

    def close(self) -> None:
        """Nothing to close."""


def step_plan(needs: Mapping[int, Sequence[int]]) -> Plan:
    """A ``set`` step per node."""
    steps = tuple(
        PlannedStep(f"s{n}", f"s{n}", "set", PlannedSet({"v": 1}), _WHERE, needs=tuple(f"s{a}" for a in above))
        for n, above in needs.items()
    )
    return _plan(PlannedGraph(steps, tuple(step.id for step in steps)))


def item_plan(count: int) -> Plan:
    """One ``set`` step for each of ``count`` items."""
    spread = PlannedForEach(over=list(range(count)), max_items=count)
    step = PlannedStep("s", "s", "set", PlannedSet({"v": 1}), _WHERE, for_each=spread)
    return _plan(PlannedGraph((step,), ("s",)))


async def run_noops(plan: Plan, journal: Journal) -> int:
    """Run it with events and bookkeeping on; how many events there were."""
    sink = Quiet()
    recorder = Recorder(journal, [sink])
    services = Services(
        clock=RealClock(),
        emit=recorder.emit,
        durable=recorder.durable,
        recorded=journal.recorded(),
        gateway=cast("Gateway", None),
        toolbox=cast("Toolbox", None),
        commands=cast("Commands", None),
        approver=None,
        environ={},
        read_file=lambda path: b"",
        open_budget=lambda address, budget: None,
    )
    end = await run_plan(RunOrder("bench", plan, {}, time.time(), {}), services)
    await journal.flush()
    await journal.close()
    if end.status != "succeeded":
        raise RuntimeError(f"the run ended {end.status}: {end.failure}")
    return sink.seen


def _plan(graph: PlannedGraph) -> Plan:
    limits = PlannedLimits(steps=1_000_000)
    return Plan("noops", "noops.yaml", "sha256:0", graph, {}, limits, {}, (), "/tmp")
