"""Questions about money: the rows of the ledger, and their sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.core.text import rfc3339
from nano_flow.ports.store import DayRow, Grouping, SpendRow, UnpricedRow
from nano_flow.stores.sql.database import Database, Row
from nano_flow.stores.sql.rows import LEDGER_COLUMNS

_KEYS: Mapping[str, str] = {
    "workflow": "workflow",
    "step": "workflow || '/' || step",
    "model": "model",
    "provider": "provider",
    "day": "day",
    "run": "run_id",
}
"""What a name of the command line means in SQL: names from outside are looked up, never pasted."""


def spend(database: Database, by: Grouping, since: float | None = None) -> list[SpendRow]:
    """Spend by ``by``, dearest first (days in their order)."""
    order = "grouped" if by == "day" else "dearest DESC, calls DESC, grouped"
    rows = database.execute(
        f"SELECT {_KEYS[by]} AS grouped, count(*) AS calls,"
        " count(*) FILTER (WHERE outcome IN ('failed', 'abandoned')) AS failed,"
        " count(*) FILTER (WHERE outcome = 'cached') AS cached,"
        " coalesce(sum(CASE WHEN simulated THEN 0 ELSE cost END), 0) AS paid,"
        " coalesce(sum(cost), 0) AS dearest,"
        " sum(CASE WHEN simulated THEN 0 ELSE possibly_spent END) AS possibly,"
        " sum(CASE WHEN simulated THEN 0 ELSE saved END) AS saved,"
        " coalesce(sum(CASE WHEN simulated THEN cost ELSE 0 END), 0) AS pretended,"
        " count(*) FILTER (WHERE cost IS NULL) AS unpriced,"
        " sum(input_tokens + cached_input_tokens + cache_write_tokens + cache_write_1h_tokens + audio_input_tokens)"
        " AS tokens_in, sum(output_tokens + reasoning_tokens + audio_output_tokens) AS tokens_out"
        f" FROM ledger WHERE at >= ? GROUP BY grouped ORDER BY {order}",
        (0.0 if since is None else since,),
    )
    return [_spend_row(row) for row in rows]


def _spend_row(row: Row) -> SpendRow:
    return SpendRow(
        key=row["grouped"],
        calls=row["calls"],
        failed=row["failed"],
        cached=row["cached"],
        cost=Money(row["paid"]),
        possibly_spent=Money(row["possibly"]),
        saved=Money(row["saved"]),
        simulated_cost=Money(row["pretended"]),
        unpriced_calls=row["unpriced"],
        input_tokens=row["tokens_in"],
        output_tokens=row["tokens_out"],
    )


def spend_by_day(database: Database, by: Grouping, since: float | None = None) -> list[DayRow]:
    """Spend of each group on each day on which it had any."""
    rows = database.execute(
        f"SELECT day, {_KEYS[by]} AS grouped, coalesce(sum(CASE WHEN simulated THEN 0 ELSE cost END), 0) AS paid,"
        " coalesce(sum(CASE WHEN simulated THEN cost ELSE 0 END), 0) AS pretended"
        " FROM ledger WHERE at >= ? GROUP BY day, grouped HAVING sum(cost) > 0 ORDER BY day, grouped",
        (0.0 if since is None else since,),
    )
    return [DayRow(row["day"], row["grouped"], Money(row["paid"]), Money(row["pretended"])) for row in rows]


def unpriced(database: Database, since: float | None = None) -> list[UnpricedRow]:
    """Calls without a price, by model and reason."""
    rows = database.execute(
        "SELECT model, unpriced, count(*) AS calls FROM ledger WHERE cost IS NULL AND at >= ?"
        " GROUP BY model, unpriced ORDER BY calls DESC, model",
        (0.0 if since is None else since,),
    )
    return [UnpricedRow(row["model"], row["unpriced"], row["calls"]) for row in rows]


def ledger_rows(database: Database, run_id: str | None = None, since: float | None = None) -> Iterator[dict[str, Json]]:
    """Every row of the ledger, or of one run, as plain data: money as decimal strings, times in RFC 3339."""
    condition, values = ("run_id = ?", [run_id]) if run_id is not None else ("at >= ?", [since or 0.0])
    rows = database.execute(
        f"SELECT {', '.join(LEDGER_COLUMNS)} FROM ledger WHERE {condition} ORDER BY at, run_id, seq", values
    )
    for row in rows:
        yield {**{name: row[name] for name in _PLAIN}, **_shown(row)}


_SHOWN = frozenset({"at", "cost", "possibly_spent", "saved", "simulated", "measured"})
_PLAIN = tuple(name for name in LEDGER_COLUMNS if name not in _SHOWN)


def _shown(row: Row) -> dict[str, Json]:
    return {
        "at": rfc3339(row["at"]),
        "cost_usd": None if row["cost"] is None else usd(row["cost"]),
        "possibly_spent_usd": usd(row["possibly_spent"]),
        "saved_usd": usd(row["saved"]),
        "simulated": bool(row["simulated"]),
        "measured": bool(row["measured"]),
    }
