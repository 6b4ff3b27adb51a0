"""Spend, as a document, a table with bars, or CSV."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.views.table import WHOLE, Column, table

SCHEMA = "nano-flow/cost@1"
_BAR = 20


class Spend(Protocol):
    """The sums of one group of calls; money in nano-dollars."""

    @property
    def key(self) -> str: ...
    @property
    def calls(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def cached(self) -> int: ...
    @property
    def cost(self) -> int: ...
    @property
    def possibly_spent(self) -> int: ...
    @property
    def saved(self) -> int: ...
    @property
    def simulated_cost(self) -> int: ...
    @property
    def unpriced_calls(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...


class UnpricedCalls(Protocol):
    """Calls of one model whose price nobody knows."""

    @property
    def model(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def calls(self) -> int: ...


def cost_document(
    by: str, rows: Sequence[Spend], unpriced: Sequence[UnpricedCalls], since: str | None = None
) -> dict[str, Json]:
    """The document ``nano-flow/cost@1``."""
    return {
        "schema": SCHEMA,
        "by": by,
        "since": since,
        "total": {
            "calls": sum(row.calls for row in rows),
            "usd": usd(sum(row.cost for row in rows)),
            "possibly_spent_usd": usd(sum(row.possibly_spent for row in rows)),
            "saved_usd": usd(sum(row.saved for row in rows)),
            "simulated_usd": usd(sum(row.simulated_cost for row in rows)),
            "unpriced_calls": sum(row.unpriced_calls for row in rows),
        },
        "rows": [{by: row.key, **_fields(row)} for row in rows],
        "unpriced": [{"model": row.model, "reason": row.reason, "calls": row.calls} for row in unpriced],
    }


def cost_csv(by: str, rows: Iterable[Spend]) -> str:
    """The rows as CSV, heading first."""
    return as_csv([{by: row.key, **_fields(row)} for row in rows], (by, *_FIELDS))


def as_csv(rows: Iterable[Mapping[str, Json]], heading: Sequence[str]) -> str:
    """``rows`` as CSV under ``heading``; unknown values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, heading, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def cost_text(by: str, rows: Sequence[Spend], unpriced: Sequence[UnpricedCalls], width: int, *, bars: bool) -> str:
    """A table; with ``bars`` the shares as a chart beside it."""
    heads = (
        Column(by, least=12),
        Column("calls", rank=3, right=True, least=WHOLE),
        Column("failed", rank=6, right=True, least=WHOLE),
        Column("cached", rank=7, right=True, least=WHOLE),
        Column("tokens", rank=5, right=True, least=WHOLE),
        Column("cost", right=True, least=WHOLE),
        Column("simulated", rank=1, right=True, least=WHOLE),
        Column("possibly spent", rank=2, right=True, least=WHOLE),
        Column("saved", rank=4, right=True, least=WHOLE),
        Column("", rank=8, least=_BAR),
    )
    largest = max((row.cost + row.simulated_cost for row in rows), default=0)
    cells = [_cells(row, largest if bars else 0) for row in rows]
    lines = table(heads, cells, width) if rows else ["nothing was spent"]
    total = cost_document(by, rows, unpriced)["total"]
    said = _total(total if isinstance(total, dict) else {})
    said += [f"unpriced: {row.calls} × {row.model}{': ' + row.reason if row.reason else ''}" for row in unpriced]
    wide = max(10, width)
    return "\n".join(
        [*lines, "", *(part for line in said for part in textwrap.wrap(line, wide, subsequent_indent="  "))]
    )


def _cells(row: Spend, largest: int) -> list[str]:
    return [
        row.key,
        str(row.calls),
        str(row.failed or ""),
        str(row.cached or ""),
        f"{row.input_tokens:,} + {row.output_tokens:,}",
        f"${usd(row.cost)}" + (" + ?" if row.unpriced_calls else ""),
        _if_any(row.simulated_cost),
        _if_any(row.possibly_spent),
        _if_any(row.saved),
        _bar(row.cost + row.simulated_cost, largest),
    ]


def _if_any(amount: int) -> str:
    return f"${usd(amount)}" if amount else ""


def _bar(amount: int, largest: int) -> str:
    """Simulated money too: a rehearsal wants to be compared as well."""
    return "█" * max(1, round(_BAR * amount / largest)) if amount and largest else ""


def _total(total: Mapping[str, Json]) -> list[str]:
    words = (("simulated_usd", "simulated"), ("possibly_spent_usd", "possibly spent"), ("saved_usd", "saved"))
    unknown = " + ?" if total["unpriced_calls"] else ""
    parts = [f"${total['usd']}{unknown}", *(f"${total[name]} {word}" for name, word in words if total[name] != "0")]
    return [f"total: {', '.join(parts)} in {total['calls']} calls"]


def _fields(row: Spend) -> dict[str, Json]:
    return {
        "calls": row.calls,
        "failed": row.failed,
        "cached": row.cached,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": usd(row.cost),
        "possibly_spent_usd": usd(row.possibly_spent),
        "saved_usd": usd(row.saved),
        "simulated_usd": usd(row.simulated_cost),
        "unpriced_calls": row.unpriced_calls,
    }


_FIELDS = (
    *("calls", "failed", "cached", "input_tokens", "output_tokens"),
    *("cost_usd", "possibly_spent_usd", "saved_usd", "simulated_usd", "unpriced_calls"),
)
