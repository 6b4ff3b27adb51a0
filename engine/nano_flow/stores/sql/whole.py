"""A store as a whole: counted, looked through for damage, read out row by row, and filled from another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import attrgetter

from nano_flow.core.errors import StoreError
from nano_flow.ports.whole import StoredRow, StoreFacts
from nano_flow.stores.sql import heads, lease
from nano_flow.stores.sql.database import Column, Database
from nano_flow.stores.sql.reading.reader import stored_events
from nano_flow.stores.sql.rows import EVENT_COLUMNS, LEDGER_COLUMNS

TABLES: Mapping[str, Sequence[str]] = {
    "runs": (
        *("run_id", "workflow", "file", "created_at", "plan_digest", "status", "simulated", "head", "finished_at"),
        *("active_s", "error", "stop_reason", "stop_address", "cancel_requested_at"),
    ),
    "events": EVENT_COLUMNS,
    "ledger": LEDGER_COLUMNS,
    "approvals": (
        *("run_id", "address", "message", "options", "input_schema", "asked_at", "expires_at", "decision", "input"),
        *("comment", "answered_by", "answered_at"),
    ),
    "marks": ("kind", "name", "at", "value"),
    "charges": (*("run_id", "address", "turn", "attempt", "at", "workflow", "provider", "tags", "amount", "settled"),),
    "scopes": ("run_id", "name", "body"),
    "placed": (
        *("run_id", "address", "label", "scope", "asked", "body", "state", "good", "stop", "past", "number"),
        *("placed_at", "outcome"),
    ),
}
"""What is carried from store to store. Who has a run or a step of it is not: that holds in one store only."""
_TRUTHS = frozenset({"simulated", "measured"})
_BATCH = 500


def counts(database: Database) -> dict[str, int]:
    """How many rows each table holds."""
    return {table: _number(database, f"SELECT count(*) FROM {table}") for table in TABLES}


def owned(database: Database) -> list[str]:
    """The runs that somebody works on right now."""
    rows = database.execute(f"SELECT run_id, {lease.OWNER_COLUMNS} FROM runs WHERE owner_token IS NOT NULL").fetchall()
    now = database.now()
    return [str(row["run_id"]) for row in rows if lease.holder(row, now) is not None]


def read_rows(database: Database) -> Iterator[StoredRow]:
    """Every row, run by run, as they were written one after the other; then what is kept of runs that were deleted."""
    runs = database.execute(f"SELECT run_id FROM runs ORDER BY {database.newest}").fetchall()
    for row in runs:
        for table, columns in TABLES.items():
            if "run_id" in columns:
                yield from _read(database, table, "run_id = ?", str(row["run_id"]))
    yield from _read(database, "marks", "1 = 1")
    for table in ("ledger", "charges"):
        yield from _read(database, table, "run_id NOT IN (SELECT run_id FROM runs)")


def _read(database: Database, table: str, condition: str, *values: Column) -> Iterator[StoredRow]:
    columns = TABLES[table]
    order = ", ".join(columns[:2])
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE {condition} ORDER BY {order}"
    for row in database.execute(query, values):
        yield StoredRow(table, {name: _plain(name, row[name]) for name in columns})


def write_rows(database: Database, rows: Iterable[StoredRow]) -> None:
    """Add what is not there yet, in commits of a bounded size: an interrupted transfer is begun again and goes on."""
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        with database.transaction():
            for table, group in groupby(batch, key=attrgetter("table")):
                columns, several = TABLES[table], list(group)
                one = f"({', '.join('?' * len(columns))})"
                database.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(several))}"
                    " ON CONFLICT DO NOTHING",
                    [row.values[name] for row in several for name in columns],
                )


def faults(database: Database) -> Iterator[str]:
    """What is wrong with the rows: heads and events that cannot be read, gaps, attempts without their ledger row."""
    for row in database.execute("SELECT run_id FROM runs ORDER BY run_id").fetchall():
        run_id = str(row["run_id"])
        try:
            heads.read_head(database, run_id)
        except ValueError as error:
            yield f"run {run_id}: {error}"
        yield from _faults_of_run(database, run_id)
    lost = _number(database, "SELECT count(*) FROM events WHERE run_id NOT IN (SELECT run_id FROM runs)")
    if lost:
        yield f"{lost} events belong to no run"


def _faults_of_run(database: Database, run_id: str) -> Iterator[str]:
    try:
        for _ in stored_events(database, run_id):
            pass
    except ValueError as error:
        yield str(error)
    query = "SELECT count(*) AS many, coalesce(max(seq), -1) + 1 AS next FROM events WHERE run_id = ?"
    row = database.execute(query, (run_id,)).fetchone()
    if row is not None and row["many"] != row["next"]:
        yield f"run {run_id}: {row['next'] - row['many']} of its {row['next']} events are missing"
    unbooked = _number(
        database,
        "SELECT count(*) FROM events AS e WHERE run_id = ? AND kind IN ('CallFinished', 'CallFailed', 'CacheHit')"
        " AND NOT EXISTS (SELECT 1 FROM ledger AS l WHERE l.run_id = e.run_id AND l.seq = e.seq)",
        run_id,
    )
    if unbooked:
        yield f"run {run_id}: {unbooked} of its calls are missing in the ledger"


def check_arrival(database: Database, before: StoreFacts) -> None:
    """Raise StoreError where less is there than the source held."""
    there = counts(database)
    missing = [f"{many - there[name]} rows of {name}" for name, many in before.rows.items() if there[name] < many]
    if missing:
        raise StoreError(database.place, f"{' and '.join(missing)} did not arrive; begin again, and it goes on")


def _number(database: Database, query: str, *values: Column) -> int:
    row = database.execute(query, values).fetchone()
    return 0 if row is None else int(row[0])


def _plain(name: str, value: Column) -> Column:
    return bool(value) if name in _TRUTHS else value
