"""Seats of workers, and what they take from the queue of placed executions."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from nano_flow.ports.placed import ANY, Claimed, HandedIn, Seat, StopOrder
from nano_flow.stores.sql import lease
from nano_flow.stores.sql.database import Database, Row
from nano_flow.stores.sql.rows import column

_MANY = 500


def enlist(database: Database, name: str, labels: Collection[str], runs: int) -> str:
    """A seat for this process, inside a transaction; its token."""
    owner = lease.this_process()
    token = uuid.uuid4().hex
    values = (token, column(name), "|".join(sorted({*labels, ANY})), runs, owner.host, owner.pid, owner.started)
    database.execute(
        "INSERT INTO seats (token, name, labels, runs, host, pid, started, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, database.now() + lease.LEASE_SECONDS),
    )
    return token


def renew(database: Database, token: str) -> bool:
    """Hold on to a seat; False where it was taken away, or its time is over: it is not taken up again."""
    now = database.now()
    changed = database.execute(
        "UPDATE seats SET until = ? WHERE token = ? AND until >= ?", (now + lease.LEASE_SECONDS, token, now)
    )
    return changed.rowcount == 1


def leave(database: Database, token: str) -> None:
    """Give a seat back, inside a transaction; what it has is ready again for others."""
    _lose(database, token)


def seats(database: Database) -> list[Seat]:
    """Who is alive."""
    now = database.now()
    return [_seat(row) for row in database.execute("SELECT * FROM seats").fetchall() if _lives(row, now)]


def sweep(database: Database) -> list[str]:
    """Take away the seats of those that are gone, inside a transaction; their names."""
    now = database.now()
    lost = [row for row in database.execute("SELECT * FROM seats").fetchall() if not _lives(row, now)]
    gone = []
    for row in lost:
        query = f"SELECT until FROM seats WHERE token = ?{database.locking}"
        again = database.execute(query, (row["token"],)).fetchone()
        if again is not None and again[0] == row["until"]:
            _lose(database, row["token"])
            gone.append(str(row["name"]))
    if gone:
        database.announce()
    return gone


def claim(database: Database, token: str, labels: Collection[str], most: int) -> list[Claimed]:
    """Take up to ``most`` executions, inside a transaction, those first that wait longest."""
    wanted = sorted({*labels, ANY})
    places = ", ".join("?" * len(wanted))
    found = database.execute(
        "SELECT p.run_id, p.address, p.scope, p.body, p.past, r.owner_token FROM placed AS p"
        " JOIN runs AS r ON r.run_id = p.run_id"
        f" WHERE p.state = 'ready' AND p.label IN ({places}) AND r.owner_token IS NOT NULL AND r.owner_until >= ?"
        f" ORDER BY p.placed_at LIMIT ?{database.skipping('p')}",
        (*wanted, database.now(), most),
    ).fetchall()
    for start in range(0, len(found), _MANY):
        some = found[start : start + _MANY]
        pairs = ", ".join(["(?, ?)"] * len(some))
        database.execute(
            f"UPDATE placed SET state = 'taken', token = ?, stop = '' WHERE (run_id, address) IN (VALUES {pairs})",
            (token, *(value for row in some for value in (row["run_id"], row["address"]))),
        )
    names = ("run_id", "address", "scope", "body", "past", "owner_token")
    return [Claimed(*(row[name] for name in names)) for row in found]


def stops(database: Database, token: str) -> list[StopOrder]:
    """Which executions of a seat are to be stopped."""
    query = "SELECT run_id, address, stop FROM placed WHERE token = ? AND state = 'taken' AND stop <> ''"
    return [StopOrder(row["run_id"], row["address"], row["stop"]) for row in database.execute(query, (token,))]


def handed_in(database: Database, run_id: str, after: int) -> list[HandedIn]:
    """What was handed in with a number of ``after`` or more; all of the last number, or none."""
    last = database.execute(
        "SELECT number FROM placed WHERE run_id = ? AND number >= ? ORDER BY number LIMIT 1 OFFSET ?",
        (run_id, after, _MANY),
    ).fetchone()
    until = " AND number <= ?" if last is not None else ""
    rows = database.execute(
        "SELECT address, state, outcome, number FROM placed WHERE run_id = ? AND number >= ?"
        f" AND state IN ('done', 'waiting', 'held'){until} ORDER BY number",
        (run_id, after, *((last[0],) if last is not None else ())),
    ).fetchall()
    return [HandedIn(row["address"], row["state"], row["outcome"] or "", row["number"]) for row in rows]


def scope(database: Database, run_id: str, name: str) -> str:
    """The body of a scope. ValueError where it is gone."""
    row = database.execute("SELECT body FROM scopes WHERE run_id = ? AND name = ?", (run_id, name)).fetchone()
    if row is None:
        raise ValueError(f'the scope "{name}" of run {run_id} is gone')
    return str(row[0])


def known(database: Database, run_id: str) -> list[str]:
    """The addresses of all placed executions of a run."""
    return [str(row[0]) for row in database.execute("SELECT address FROM placed WHERE run_id = ?", (run_id,))]


def taken(database: Database, run_id: str) -> list[str]:
    """The addresses that workers have in hand, or had when they were lost: whoever goes on there closes its calls."""
    query = "SELECT address FROM placed WHERE run_id = ? AND (state = 'taken' OR past >= 0 AND state = 'ready')"
    return [str(row[0]) for row in database.execute(query, (run_id,))]


def forget(database: Database, run_id: str, addresses: Sequence[str] | None) -> None:
    """Drop what is known of all placed executions of a run, or of some, inside a transaction."""
    if addresses is None:
        for table in ("placed", "scopes"):
            database.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))
        return
    for address in addresses:
        database.execute("DELETE FROM placed WHERE run_id = ? AND address = ?", (run_id, column(address)))


def give_back(database: Database, token: str, claimed: Claimed) -> None:
    """Let others do one execution of a seat, inside a transaction."""
    database.execute(f"{_FREE} AND run_id = ? AND address = ?", (token, claimed.run_id, column(claimed.address)))
    database.announce()


def _lose(database: Database, token: str) -> None:
    database.execute("DELETE FROM seats WHERE token = ?", (token,))
    database.execute(_FREE, (token,))


_FREE = (
    "UPDATE placed SET token = NULL, past = (SELECT coalesce(max(e.seq), 0) FROM events AS e"
    " WHERE e.run_id = placed.run_id), number = CASE WHEN stop = '' THEN -1 ELSE (SELECT coalesce(max(e.seq), 0)"
    " FROM events AS e WHERE e.run_id = placed.run_id) END,"
    " state = CASE WHEN stop = '' THEN 'ready' ELSE 'held' END WHERE token = ? AND state = 'taken'"
)
"""What a seat had is ready again, or held where its owner wants it stopped; what was begun is gone on with."""


def _lives(row: Row, now: float) -> bool:
    """The lease is the truth; a process of this machine that is gone is gone at once."""
    here = row["host"] == lease.this_host()
    return float(row["until"]) >= now and not (here and lease.start_of(row["pid"]) != row["started"])


def _seat(row: Row) -> Seat:
    return Seat(row["token"], row["name"], tuple(row["labels"].split("|")), row["runs"], float(row["until"]))
