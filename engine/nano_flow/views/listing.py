"""The list of runs, as a document and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.core.text import duration_text, rfc3339
from nano_flow.views.table import WHOLE, Column, table

SCHEMA = "nano-flow/runs@1"
_ERROR = 120

Places = Mapping[str, str | None]
"""Run → the address at which it failed."""
NOWHERE: Places = {}


class Run(Protocol):
    """One run as the store knows it; money in nano-dollars, times in seconds since 1970."""

    @property
    def run_id(self) -> str: ...
    @property
    def workflow(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def created_at(self) -> float: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def status(self) -> str: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def error(self) -> str | None: ...
    @property
    def stop_reason(self) -> str | None: ...
    @property
    def stop_address(self) -> str | None: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def cost(self) -> int: ...
    @property
    def possibly_spent(self) -> int: ...
    @property
    def simulated_cost(self) -> int: ...
    @property
    def unpriced_calls(self) -> int: ...


def runs_document(runs: Sequence[Run], failed_at: Places = NOWHERE) -> dict[str, Json]:
    """The document ``nano-flow/runs@1``."""
    return {"schema": SCHEMA, "runs": [_fields(run, failed_at.get(run.run_id)) for run in runs]}


def runs_text(runs: Sequence[Run], width: int, failed_at: Places = NOWHERE) -> str:
    """A table, newest run first; of those that failed, where and why."""
    heads: tuple[Column, ...] = (
        Column("run", least=12),
        Column("workflow", rank=2, least=8),
        Column("status", least=9),
        Column("started", rank=3, least=WHOLE),
        Column("time", rank=4, right=True, least=WHOLE),
        Column("cost", rank=1, right=True, least=WHOLE),
        Column("error", rank=5, least=20),
    )
    cells = [_cells(run, failed_at.get(run.run_id)) for run in runs]
    if not any(row[-1] for row in cells):
        heads, cells = heads[:-1], [row[:-1] for row in cells]
    return "\n".join(table(heads, cells, width))


def _cells(run: Run, place: str | None) -> list[str]:
    status = f"{run.status} ({run.stop_reason})" if run.stop_reason and run.status == "paused" else run.status
    cost = f"~${usd(run.simulated_cost)}" if run.simulated else f"${usd(run.cost)}"
    started = rfc3339(run.created_at)[:19].replace("T", " ")
    error = " ".join((f"{place}: {run.error}" if place else run.error or "").split())[:_ERROR]
    unknown = " + ?" if run.unpriced_calls else ""
    return [run.run_id, run.workflow, status, started, duration_text(run.duration_s), cost + unknown, error]


def _fields(run: Run, place: str | None) -> dict[str, Json]:
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "file": run.file,
        "status": run.status,
        "simulated": run.simulated,
        "started_at": rfc3339(run.created_at),
        "duration_s": round(run.duration_s, 3),
        "error": run.error,
        "failed_at": place,
        "stop": {"reason": run.stop_reason, "address": run.stop_address},
        "owner": run.owner,
        "cost": {
            "usd": usd(run.cost),
            "possibly_spent_usd": usd(run.possibly_spent),
            "simulated_usd": usd(run.simulated_cost),
            "unpriced_calls": run.unpriced_calls,
        },
    }
