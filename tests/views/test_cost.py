"""Spend as a document, a table and CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from nano_flow.core.shown.printable import columns
from nano_flow.views.cost import cost_csv, cost_document, cost_text


@dataclass(frozen=True)
class Row:
    """What a store answers."""

    key: str
    cost: int = 0
    simulated_cost: int = 0
    possibly_spent: int = 0
    saved: int = 0
    unpriced_calls: int = 0
    calls: int = 3
    failed: int = 1
    cached: int = 0
    input_tokens: int = 1200
    output_tokens: int = 30


@dataclass(frozen=True)
class Unpriced:
    """What a store answers about calls without a price."""

    model: str = "ollama/x"
    reason: str = "no entry"
    calls: int = 2


ROWS = (
    Row("review", 2_000_000_000, saved=5),
    Row("quick", 500_000_000, possibly_spent=7, unpriced_calls=2),
    Row("play", 0, 1_000_000_000),
)


def test_the_document_sums_its_rows() -> None:
    told = cost_document("workflow", ROWS, [Unpriced()], "2026-01-01T00:00:00.000Z")
    assert told["total"] == {
        "calls": 9,
        "usd": "2.5",
        "possibly_spent_usd": "0.000000007",
        "saved_usd": "0.000000005",
        "simulated_usd": "1",
        "unpriced_calls": 2,
    }
    assert (told["schema"], told["by"], told["since"]) == ("nano-flow/cost@1", "workflow", "2026-01-01T00:00:00.000Z")
    rows = told["rows"]
    assert isinstance(rows, list) and isinstance(rows[0], dict)
    assert (rows[0]["workflow"], rows[0]["cost_usd"]) == ("review", "2")
    assert told["unpriced"] == [{"model": "ollama/x", "reason": "no entry", "calls": 2}]


def test_the_table_shows_shares_and_what_is_unknown() -> None:
    lines = cost_text("workflow", ROWS, [Unpriced(), Unpriced(reason="")], 160, bars=True).splitlines()
    assert lines[0].split() == [
        "workflow",
        "calls",
        "failed",
        "tokens",
        "cost",
        "simulated",
        "possibly",
        "spent",
        "saved",
    ]
    assert lines[1].endswith("█" * 20) and lines[2].endswith(" " + "█" * 5) and lines[3].endswith(" " + "█" * 10)
    assert "$0.5 + ?" in lines[2]
    assert lines[5:] == [
        "total: $2.5 + ?, $1 simulated, $0.000000007 possibly spent, $0.000000005 saved in 9 calls",
        "unpriced: 2 × ollama/x: no entry",
        "unpriced: 2 × ollama/x",
    ]
    assert "█" not in cost_text("workflow", ROWS, [], 160, bars=False)


def test_the_table_fits_forty_columns() -> None:
    lines = cost_text("workflow", ROWS, [], 40, bars=True).splitlines()
    assert all(columns(line) <= 40 for line in lines[:4])
    assert "workflow" in lines[0] and "cost" in lines[0]


def test_nothing_spent_is_said() -> None:
    assert cost_text("model", [], [], 80, bars=True).splitlines() == ["nothing was spent", "", "total: $0 in 0 calls"]


def test_csv_has_a_row_for_each_group() -> None:
    rows = list(csv.DictReader(io.StringIO(cost_csv("model", [Row('a,"b', 5)]))))
    assert rows[0]["model"] == 'a,"b' and rows[0]["cost_usd"] == "0.000000005" and rows[0]["calls"] == "3"
