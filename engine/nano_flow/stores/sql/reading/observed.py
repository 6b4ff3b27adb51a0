"""What the newest calls saw of each model: one bounded question to the ledger."""

from __future__ import annotations

from nano_flow.ports.store import ObservedRow
from nano_flow.stores.sql.database import Database

NEWEST = 2_000
"""How many rows of the ledger are looked at: what was long ago tells little, and a run should not wait for it."""


def observed(database: Database, before: float) -> list[ObservedRow]:
    """By model, real and simulated calls apart; of what the ledger held before ``before``."""
    rows = database.execute(
        "SELECT model, simulated, count(*) AS calls, avg(duration_s) AS seconds,"
        " avg(CASE WHEN measured THEN output_tokens + reasoning_tokens END) AS written"
        " FROM (SELECT * FROM ledger WHERE at < ? ORDER BY at DESC LIMIT ?) AS newest WHERE outcome = 'finished'"
        " GROUP BY model, simulated ORDER BY model, simulated",
        (before, NEWEST),
    )
    return [
        ObservedRow(row["model"], bool(row["simulated"]), row["calls"], row["seconds"], row["written"]) for row in rows
    ]
