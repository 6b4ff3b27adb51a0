"""Marks: what is remembered by name, so that it happens once however many processes think of it."""

from __future__ import annotations

from collections.abc import Collection

from nano_flow.ports.store import Mark
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.rows import column

_MANY = 500


def put(database: Database, mark: Mark) -> Mark:
    """Keep ``mark``, inside a transaction, unless one of its kind and name is there; the one that is there now."""
    values = (mark.kind, column(mark.name), mark.at, column(mark.value))
    database.execute("INSERT INTO marks (kind, name, at, value) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
    return find(database, mark.kind, (mark.name,))[column(mark.name)]


def replace(database: Database, mark: Mark) -> None:
    """Keep ``mark``, inside a transaction, in the place of what was there."""
    database.execute(
        "INSERT INTO marks (kind, name, at, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, value = excluded.value",
        (mark.kind, column(mark.name), mark.at, column(mark.value)),
    )


def find(database: Database, kind: str, names: Collection[str] | None = None) -> dict[str, Mark]:
    """The marks of ``kind``, by name: all, or those of ``names``."""
    if names is None:
        return {row["name"]: _mark(row) for row in database.execute("SELECT * FROM marks WHERE kind = ?", (kind,))}
    wanted, found = [column(name) for name in names], dict[str, Mark]()
    for start in range(0, len(wanted), _MANY):
        some = wanted[start : start + _MANY]
        places = ", ".join("?" * len(some))
        rows = database.execute(f"SELECT * FROM marks WHERE kind = ? AND name IN ({places})", (kind, *some))
        found |= {row["name"]: _mark(row) for row in rows}
    return found


def forget(database: Database, kind: str, before: float) -> int:
    """Drop the marks of ``kind`` from before then."""
    return database.execute("DELETE FROM marks WHERE kind = ? AND at < ?", (kind, before)).rowcount


def _mark(row: object) -> Mark:
    values = {name: row[name] for name in ("kind", "name", "at", "value")}  # type: ignore[index]
    return Mark(**values)
