"""Runs as readers of the store meet them: how one is found, and in which state it is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from nano_flow.core.errors import UsageError
from nano_flow.core.money import Money
from nano_flow.ports.store import RunFilter, RunSummary
from nano_flow.stores.sql import lease
from nano_flow.stores.sql.database import Database, Row


def list_runs(database: Database, wanted: RunFilter, now: float) -> list[RunSummary]:
    """The runs that ``wanted`` describes, newest first."""
    conditions, values = ["1 = 1"], list[str | float]()
    if wanted.workflow is not None:
        conditions.append("workflow = ?")
        values.append(wanted.workflow)
    if wanted.since is not None:
        conditions.append("created_at >= ?")
        values.append(wanted.since)
    if wanted.after is not None:
        place = f"created_at, {database.newest}"
        conditions.append(f"({place}) < (SELECT {place} FROM runs WHERE run_id = ?)")
        values.append(wanted.after)
    if wanted.status is not None:
        # Only a run that is written down as running may be another thing: its owner may be gone.
        stored = {"paused": ("paused", "running")}.get(wanted.status, (wanted.status,))
        conditions.append(f"status IN ({', '.join('?' * len(stored))})")
        values += stored
    rows = database.execute(
        f"SELECT {_RUN_COLUMNS} FROM runs WHERE {' AND '.join(conditions)} ORDER BY {database.newest} DESC",
        values,
    )
    found: list[RunSummary] = []
    for row in rows:
        # The status is known only when its owner has been looked at, so it is no condition of the query.
        if wanted.limit is not None and len(found) >= wanted.limit:
            break
        status = _status(row, now)[0]
        if wanted.status is None or status == wanted.status:
            found.append(_summary(database, row, now))
    return found


def find_run(database: Database, name: str, now: float) -> RunSummary:
    """The run that ``name`` means: an id, a unique prefix, or ``last``. Raises UsageError."""
    query = f"SELECT {_RUN_COLUMNS} FROM runs"
    if name == "last":
        row = database.execute(f"{query} ORDER BY {database.newest} DESC LIMIT 1").fetchone()
        if row is None:
            raise UsageError('there is no run yet; "nano-flow run FILE" makes one')
        return _summary(database, row, now)
    row = database.execute(f"{query} WHERE run_id = ?", (name,)).fetchone()
    if row is not None:
        return _summary(database, row, now)
    # Compared as text, not with LIKE: % and _ in a name are no wildcards.
    rows = database.execute(f"{query} WHERE substr(run_id, 1, ?) = ? LIMIT 5", (len(name), name)).fetchall()
    if len(rows) == 1 and name:
        return _summary(database, rows[0], now)
    if rows:
        several = ", ".join(f'"{row["run_id"]}"' for row in rows[:4]) + (" …" if len(rows) > 4 else "")
        raise UsageError(f'"{name}" is the beginning of several runs: {several}; type more of it')
    raise UsageError(f'there is no run "{name}"{_nearest(database, name)}; "nano-flow runs list" shows them')


def _nearest(database: Database, name: str) -> str:
    recent = database.execute("SELECT run_id FROM runs ORDER BY created_at DESC LIMIT 200")
    near = difflib.get_close_matches(name, [row["run_id"] for row in recent], n=1)
    return f', did you mean "{near[0]}"?' if near else ""


_RUN_COLUMNS = (
    "run_id, workflow, file, created_at, finished_at, active_s, status, simulated, error, stop_reason, stop_address, "
    + lease.OWNER_COLUMNS
)
_SUMS = (
    "SELECT coalesce(sum(CASE WHEN simulated THEN 0 ELSE cost END), 0),"
    " coalesce(sum(CASE WHEN simulated THEN cost ELSE 0 END), 0),"
    " coalesce(sum(CASE WHEN simulated AND NOT ? THEN 0 ELSE possibly_spent END), 0),"
    " count(*) FILTER (WHERE cost IS NULL)"
    " FROM ledger WHERE run_id = ?"
)
"""In a simulated run all money is simulated, what may have been spent too; else it is left out."""


def _status(row: Row, now: float) -> tuple[str, str | None, lease.Owner | None]:
    owner = lease.holder(row, now)
    if row["status"] == "running" and owner is None:
        return "paused", "crash", None
    return row["status"], row["stop_reason"], owner


def _summary(database: Database, row: Row, now: float) -> RunSummary:
    status, stop_reason, owner = _status(row, now)
    cost, simulated_cost, possibly_spent, unpriced = _sums(database, row)
    duration = row["active_s"]
    if row["status"] == "running" and not duration:
        duration = max(0.0, (now if owner is not None else _last_at(database, row)) - row["created_at"])
    return RunSummary(
        run_id=row["run_id"],
        workflow=row["workflow"],
        file=row["file"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        duration_s=duration,
        status=status,
        simulated=bool(row["simulated"]),
        error=row["error"],
        stop_reason=stop_reason,
        stop_address=row["stop_address"],
        owner=None if owner is None else str(owner),
        cost=Money(cost),
        possibly_spent=Money(possibly_spent),
        simulated_cost=Money(simulated_cost),
        unpriced_calls=unpriced,
    )


def _last_at(database: Database, row: Row) -> float:
    """When the run was last seen at work."""
    query = "SELECT at FROM events WHERE run_id = ? ORDER BY seq DESC LIMIT 1"
    last = database.execute(query, (row["run_id"],)).fetchone()
    return row["created_at"] if last is None else float(last[0])


def _sums(database: Database, row: Row) -> Sequence[int]:
    sums: Sequence[int] = tuple(database.execute(_SUMS, (bool(row["simulated"]), row["run_id"])).fetchone() or ())
    return sums
