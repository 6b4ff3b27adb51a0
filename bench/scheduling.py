"""Overhead per no-op step, events and bookkeeping on and the journal in memory, beside a bare TaskGroup."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from bench.engine import item_plan, run_noops, step_plan
from bench.floor import run_bare
from bench.measure import Figure, medians, seconds
from bench.workflows import chain, dag, fan
from nano_flow.plan.plan import Plan
from nano_flow.stores.memory import MemoryJournal

AT_MOST = 5


def figures(times: int = 7) -> list[Figure]:
    """Ratios of wall time, run against bare run of the same graph."""
    return [
        _figure("chain of 1,000", chain(1000), step_plan(chain(1000)), times),
        _figure("fan-out of 1,000 steps", fan(1000), step_plan(fan(1000)), times),
        _figure("random DAG of 1,000", dag(1000), step_plan(dag(1000)), times),
        _figure("for_each over 1,000", _wide(1000), item_plan(1000), times),
        _figure("for_each over 10,000", _wide(10_000), item_plan(10_000), 3),
        _figure("fan-out of 10,000 steps", fan(10_000), step_plan(fan(10_000)), 3),
    ]


def _wide(count: int) -> dict[int, list[int]]:
    return {n: [] for n in range(count)}


def _figure(name: str, needs: Mapping[int, Sequence[int]], plan: Plan, times: int) -> Figure:
    bare: Callable[[], float] = lambda: seconds(lambda: asyncio.run(run_bare(needs)))  # noqa: E731
    ours: Callable[[], float] = lambda: seconds(lambda: asyncio.run(run_noops(plan, MemoryJournal())))  # noqa: E731
    floor, run = medians([bare, ours], times)
    note = f"{run / len(needs) * 1e6:.0f} µs a step, bare {floor / len(needs) * 1e6:.1f}; LangGraph 60–80 ×"
    return Figure(name, run / floor, "× TaskGroup", AT_MOST, note=note)
