"""What the SQLite journal adds to a step of a fan-out, the file synced as in real runs."""

from __future__ import annotations

import asyncio
import statistics
import tempfile

from bench.engine import item_plan, run_noops
from bench.measure import Figure, seconds
from nano_flow.ports import RunRecord
from nano_flow.stores.sqlite.store import open_store

AT_MOST_MS = 0.3
STEPS = 5000


def figures(times: int = 5) -> list[Figure]:
    """Milliseconds a step of a fan-out, all included."""
    taken = []
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            record = RunRecord(f"run{number}", "noops", "noops.yaml", 0.0, "", "running", False, {}, {}, {}, {}, {})
            journal = open_store(folder).create_run(record)
            taken.append(seconds(lambda j=journal: asyncio.run(run_noops(item_plan(STEPS), j))))  # type: ignore[misc]
    per_step = statistics.median(taken) / STEPS * 1000
    return [Figure(f"SQLite journal, for_each over {STEPS:,}", per_step, "ms a step", AT_MOST_MS)]
