"""What is written of placed executions, in the same commits as the events of their run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from nano_flow.ports.placed import HandedState, PlacedRow
from nano_flow.stores.sql.database import Column, Database
from nano_flow.stores.sql.rows import column, insert_rows

_COLUMNS = ("run_id", "address", "label", "scope", "asked", "body", "state", "good", "stop", "past", "number")
# What is being done by somebody, or was done well, stays; what asks otherwise, failed or was stopped is done again.
_KEPT = (
    "placed.asked = excluded.asked AND ((placed.state = 'done' AND placed.good = 1) OR (placed.state = 'taken'"
    " AND EXISTS (SELECT 1 FROM seats WHERE seats.token = placed.token)))"
)
_AGAIN = (
    " ON CONFLICT (run_id, address) DO UPDATE SET"
    f" number = CASE WHEN {_KEPT} THEN CASE WHEN placed.state = 'done' THEN excluded.past ELSE placed.number END"
    " ELSE -1 END,"
    f" state = CASE WHEN {_KEPT} THEN placed.state ELSE 'ready' END,"
    f" past = CASE WHEN {_KEPT} THEN placed.past ELSE excluded.past END,"
    f" outcome = CASE WHEN {_KEPT} THEN placed.outcome END,"
    f" token = CASE WHEN {_KEPT} THEN placed.token END,"
    " stop = '', label = excluded.label, scope = excluded.scope, asked = excluded.asked, body = excluded.body,"
    " placed_at = excluded.placed_at"
)


_MANY = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What many executions share."""

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Placing:
    """An execution that others are to do; ``again`` where earlier lives of the run may have done something there."""

    row: PlacedRow
    again: bool


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An execution that is not to be done, or not any further."""

    address: str
    how: str


@dataclass(frozen=True, slots=True)
class Handing:
    """What became of an execution that the seat ``token`` had."""

    address: str
    state: HandedState
    outcome: str
    good: bool
    token: str


Change = Scope | Placing | Withdrawal | Handing


def write_changes(database: Database, run_id: str, changes: Iterable[Change], newest: int) -> None:
    """Write ``changes`` in their order, inside a transaction; ``newest`` is the number of the run's last event."""
    told = False
    for kind, group in groupby(changes, key=type):
        some = list(group)
        told = True
        if kind is Placing:
            _place(database, run_id, [change for change in some if isinstance(change, Placing)], newest)
            continue
        if kind is Handing:
            _hand_in(database, run_id, [change for change in some if isinstance(change, Handing)], newest)
            continue
        for change in some:
            _write_one(database, run_id, change, newest)
    if told:
        database.announce()


def _place(database: Database, run_id: str, placings: list[Placing], newest: int) -> None:
    now = database.now()
    rows: list[tuple[Column, ...]] = []
    for placing in placings:
        row = placing.row
        past = max(newest, 0) if placing.again else -1
        rows.append(
            (run_id, column(row.address), row.label, row.scope, row.asked, row.body, "ready", 0, "", past, -1, now)
        )
    insert_rows(database, "placed", (*_COLUMNS, "placed_at"), rows, _AGAIN)


def _write_one(database: Database, run_id: str, change: Change, newest: int) -> None:
    if isinstance(change, Scope):
        statement = "INSERT INTO scopes (run_id, name, body) VALUES (?, ?, ?) ON CONFLICT (run_id, name) DO UPDATE SET"
        database.execute(f"{statement} body = excluded.body", (run_id, change.name, change.body))
    elif isinstance(change, Withdrawal):
        database.execute(
            "UPDATE placed SET stop = ?, number = CASE WHEN state = 'ready' THEN ? ELSE number END,"
            " state = CASE WHEN state = 'ready' THEN 'held' ELSE state END WHERE run_id = ? AND address = ?"
            " AND state IN ('ready', 'taken')",
            (change.how, max(newest, 0), run_id, column(change.address)),
        )


def _hand_in(database: Database, run_id: str, handings: list[Handing], newest: int) -> None:
    for start in range(0, len(handings), _MANY):
        some = handings[start : start + _MANY]
        rows = ", ".join(["(?, ?, ?, ?, ?)"] * len(some))
        values: list[Column] = []
        for one in some:
            values += (column(one.address), one.state, one.outcome, int(one.good), one.token)
        database.execute(
            "UPDATE placed SET state = v.column2, outcome = v.column3, good = v.column4, number = ?, token = NULL,"
            f" stop = '' FROM (VALUES {rows}) AS v WHERE placed.run_id = ? AND placed.address = v.column1"
            " AND placed.token = v.column5 AND placed.state = 'taken'",
            (max(newest, 0), *values, run_id),
        )
