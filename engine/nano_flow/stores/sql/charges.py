"""Charges: what calls cost, or may cost, of the budgets over all runs of a store."""

from __future__ import annotations

from collections.abc import Sequence

from nano_flow.core.money import Money
from nano_flow.ports.budgets import Bound, Charge, Drawn
from nano_flow.stores.sql.database import Column, Database
from nano_flow.stores.sql.rows import column

_KEY = "run_id = ? AND address = ? AND turn = ? AND attempt = ? AND at = ?"


def put(database: Database, charge: Charge, bounds: Sequence[Bound]) -> tuple[bool, list[Drawn]]:
    """Set a charge aside, inside a transaction, in all bounds or in none; what each had before."""
    # One row that every writer changes: databases that let transactions write side by side do it one by one here.
    database.execute(
        "INSERT INTO marks (kind, name, at, value) VALUES ('lock', 'charges', 0, '') ON CONFLICT DO NOTHING"
    )
    database.execute("UPDATE marks SET at = at + 1 WHERE kind = 'lock' AND name = 'charges'")
    drawn = [_drawn(database, bound) for bound in bounds]
    fits = all(one.settled + one.held + charge.amount <= one.bound.limit for one in drawn)
    if fits:
        database.execute(
            "INSERT INTO charges (run_id, address, turn, attempt, at, workflow, provider, tags, amount, settled)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (*_key(charge), column(charge.workflow), column(charge.provider), _tags(charge.tags), charge.amount),
        )
    return fits, drawn


def settle(database: Database, charge: Charge) -> None:
    """What a call cost, or may have cost, takes the place of what was set aside for it."""
    database.execute(f"UPDATE charges SET amount = ?, settled = 1 WHERE {_KEY}", (charge.amount, *_key(charge)))


def forget(database: Database, before: float) -> int:
    """Drop charges from before then: no window reaches so far back. How many it were."""
    return database.execute("DELETE FROM charges WHERE at < ?", (before,)).rowcount


def drawn(database: Database, bound: Bound) -> Drawn:
    """What a bound has so far."""
    return _drawn(database, bound)


def _drawn(database: Database, bound: Bound) -> Drawn:
    where, values = _where(bound)
    row = database.execute(
        "SELECT coalesce(sum(CASE WHEN settled = 1 THEN amount ELSE 0 END), 0),"
        f" coalesce(sum(CASE WHEN settled = 0 THEN amount ELSE 0 END), 0) FROM charges c WHERE c.at >= ?{where}",
        (bound.since, *values),
    ).fetchone()
    settled, held = (0, 0) if row is None else (int(row[0]), int(row[1]))
    if not bound.tags:
        settled += _without_charge(database, bound)
    return Drawn(bound, Money(settled), Money(held))


def _without_charge(database: Database, bound: Bound) -> int:
    """What the ledger knows of calls that nobody charged: they were sent before there was a budget."""
    where, values = _where(bound)
    row = database.execute(
        "SELECT coalesce(sum(coalesce(c.cost, 0) + c.possibly_spent), 0) FROM ledger c"
        " WHERE c.at >= ? AND c.at - c.duration_s >= ? AND NOT c.simulated AND NOT EXISTS (SELECT 1 FROM charges o"
        " WHERE o.run_id = c.run_id AND o.address = c.address AND o.turn = c.turn AND o.attempt = c.attempt)"
        f"{where}",
        (bound.since, bound.since, *values),
    ).fetchone()
    return 0 if row is None else int(row[0])


def _where(bound: Bound) -> tuple[str, list[Column]]:
    text, values = "", list[Column]()
    for name, wanted in (("run_id", bound.run_id), ("workflow", bound.workflow), ("provider", bound.provider)):
        if wanted is not None:
            text += f" AND c.{name} = ?"
            values.append(column(wanted))
    if bound.tags:
        text += f" AND ({' OR '.join(['c.tags LIKE ? ESCAPE ?'] * len(bound.tags))})"
        for tag in bound.tags:
            safe = tag.casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
            values += [f"%|{column(safe)}|%", "!"]
    return text, values


def _key(charge: Charge) -> tuple[Column, ...]:
    return charge.run_id, column(charge.address), charge.turn, charge.attempt, charge.at


def _tags(tags: Sequence[str]) -> str:
    return f"|{'|'.join(column(tag.casefold()) for tag in tags)}|"
