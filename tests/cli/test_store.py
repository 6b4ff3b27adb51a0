"""``nano-flow store``: told, checked, moved."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nano_flow.contracts.samples import finished, intended, run_record, started, write_life
from nano_flow.stores.sqlite.store import open_store
from tests.cli.said import Said


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_life(open_store(tmp_path / ".nano-flow"), "r1", started(), intended(), finished())


def test_a_store_is_told_and_sound(said: Said) -> None:
    document = said.json("store", "info")
    assert document["rows"]["events"] == 3 and document["kind"] == "sqlite" and document["at_work"] == []
    said("store", "check")
    assert "sound" in said.out


def test_what_is_missing_is_named(said: Said, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / ".nano-flow" / "state.db") as connection:
        connection.execute("DELETE FROM events WHERE seq = 1")
        connection.execute("DELETE FROM ledger")
    said("store", "check", code=1)
    assert "run r1: 1 of its 3 events are missing" in said.out
    assert "run r1: 1 of its calls are missing in the ledger" in said.out


def test_a_store_moves_to_another_place(said: Said) -> None:
    document = said.json("store", "migrate", ".nano-flow", "elsewhere")
    assert document["rows"]["runs"] == 1
    assert said.json("--state-dir", "elsewhere", "runs", "list")["runs"][0]["run_id"] == "r1"


def test_kept_texts_and_what_budgets_counted_move_too(said: Said, tmp_path: Path) -> None:
    charge = ("ask", 1, 1, 5.0, "review", "sim", "[]", 700, 1)
    with sqlite3.connect(tmp_path / ".nano-flow" / "state.db") as connection:
        connection.executemany(
            "INSERT INTO marks (kind, name, at, value) VALUES (?, ?, ?, ?)",
            [("text", "sha256:1", 5.0, "a long prompt"), ("due", "nightly", 6.5, "")],
        )
        connection.executemany(
            f"INSERT INTO charges VALUES ({', '.join('?' * 10)})", [("r1", *charge), ("deleted", *charge)]
        )
    for _ in range(2):  # begun again, nothing arrives twice
        rows = said.json("store", "migrate", ".nano-flow", "elsewhere")["rows"]
        assert (rows["marks"], rows["charges"]) == (2, 2)
    with sqlite3.connect(tmp_path / "elsewhere" / "state.db") as there:
        marks = there.execute("SELECT kind, name, at, value FROM marks ORDER BY kind DESC").fetchall()
        assert marks == [("text", "sha256:1", 5.0, "a long prompt"), ("due", "nightly", 6.5, "")]
        charges = there.execute("SELECT * FROM charges ORDER BY run_id DESC").fetchall()
        assert charges == [("r1", *charge), ("deleted", *charge)]


@pytest.mark.parametrize(
    ("words", "code", "said_what"),
    [
        ((".nano-flow", ".nano-flow"), 2, "one and the same store"),
        (("nowhere", "elsewhere"), 1, "there is no store here"),
        ((".nano-flow", "mysql://h/d"), 2, "no store of the kind"),
    ],
)
def test_moves_that_cannot_be_meant(said: Said, words: tuple[str, str], code: int, said_what: str) -> None:
    said("store", "migrate", *words, code=code)
    assert said_what in said.err


def test_a_run_at_work_is_not_moved_away_under_its_owner(said: Said, tmp_path: Path) -> None:
    journal = open_store(tmp_path / ".nano-flow").create_run(run_record("r2"))
    said("store", "migrate", ".nano-flow", "elsewhere", code=2)
    assert "runs are at work in" in said.err and '"r2"' in said.err
    assert journal is not None
