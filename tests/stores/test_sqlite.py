"""The journal in SQLite: the contract of all journals, and what only a store on disk can promise."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from nano_flow.contracts.journal import JournalContract, kinds
from nano_flow.contracts.queue import QueueContract
from nano_flow.contracts.store import StoreContract
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.core.events import RunFinished, StepFinished
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.ports import Journal
from nano_flow.ports.store import Store
from nano_flow.stores.sql import whole
from nano_flow.stores.sql.journal import SqlJournal
from nano_flow.stores.sqlite.store import open_store
from tests.stores.samples import failed, finished, intended, run_record, started, write_life


class TestSqlJournal(JournalContract):
    def first_life(self, folder: Path) -> Journal:
        return open_store(folder).create_run(run_record())

    def next_life(self, earlier: Journal, folder: Path) -> Journal:
        return open_store(folder).reopen_run("r1")[1]


def close(journal: SqlJournal) -> None:
    asyncio.run(journal.close())


def test_the_head_of_a_run_comes_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1")
    record, journal = store.reopen_run("r1")
    close(journal)
    assert record == run_record()


def test_the_folder_ignores_itself_in_git(tmp_path: Path) -> None:
    write_life(open_store(tmp_path / "deep" / ".nano-flow"), "r1")
    assert (tmp_path / "deep" / ".nano-flow" / ".gitignore").read_text() == "*\n"


def test_two_runs_of_one_name_are_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1")
    with pytest.raises(StoreError, match="UNIQUE"):
        store.create_run(run_record())


def test_an_abandoned_call_becomes_a_row_so_that_totals_equal_rows(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1", intended(), finished(), intended("b"))
    for _ in range(2):
        _, journal = store.reopen_run("r1")
        assert journal.recorded().possibly_spent == 900
        close(journal)
    with store.reader() as reader:
        rows = list(reader.ledger("r1"))
        summary = reader.find_run("last")
    assert [(row["address"], row["outcome"], row["possibly_spent_usd"]) for row in rows] == [
        ("ask", "finished", "0"),
        ("b", "abandoned", "0.0000009"),
    ]
    assert (summary.cost, summary.possibly_spent) == (300, 900)


def test_the_ledger_has_a_row_for_every_attempt(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    simulated = ChatReply("ok", "stop", Usage(3, 4, 5, 6, 7, True, 8, 9, 10), simulated=True)
    write_life(
        store,
        "r1",
        failed("review[2].code[0]", possibly_spent=Money(900)),
        finished("review[2].code[0]", attempt=1),
        finished("free", cost=None, unpriced="no entry for it", price_entry=""),
        finished("play", reply=simulated),
    )
    with store.reader() as reader:
        rows = list(reader.ledger())
    first, second, third, fourth = rows
    assert (first["step"], first["outcome"], first["error"]) == ("review.code", "failed", "timeout")
    assert (second["attempt"], second["cost_usd"], second["provider"]) == (1, "0.0000003", "openai")
    assert (third["cost_usd"], third["unpriced"]) == (None, "no entry for it")
    assert (fourth["simulated"], fourth["cache_write_1h_tokens"], fourth["audio_output_tokens"]) == (True, 8, 10)
    assert second["price_entry"] == "openai/gpt-5-mini@2025-08-07" and second["day"] == "1970-01-01"


def test_the_end_of_a_run_is_in_its_head(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    end = RunFinished(1009.0, "failed", None, 'no \ud800 "key"', "provider", "ask", 9.0)
    write_life(store, "r1", started(), end)
    with store.reader() as reader:
        run = reader.find_run("r1")
    assert (run.status, run.finished_at, run.duration_s) == ("failed", 1009.0, 9.0)
    assert (run.error, run.stop_reason, run.stop_address) == ('no \\ud800 "key"', "provider", "ask")


def test_events_are_read_in_order_and_from_any_point(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1", started(), intended(), finished())
    with store.reader() as reader:
        events = list(reader.events_of("r1"))
        assert kinds([event for _, event in events]) == ["RunStarted", "CallIntended", "CallFinished"]
        assert list(reader.events_of("r1", after=1)) == events[2:]


def test_a_reader_sees_a_run_while_it_is_written(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    async def run() -> list[str]:
        journal = store.create_run(run_record())
        await journal.durable(started())
        with store.reader() as reader:
            await journal.durable(intended())
            seen = kinds([event for _, event in reader.events_of("r1")])
            assert reader.find_run("last").status == "running"
        await journal.close()
        return seen

    assert asyncio.run(run()) == ["RunStarted", "CallIntended"]


def test_what_cannot_be_stored_stops_the_run(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    async def run() -> None:
        journal = store.create_run(run_record())
        with pytest.raises(StoreError, match="holds a value that is not JSON"):
            await journal.durable(StepFinished(1.0, "ask", object(), 0.1))  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="not JSON"):
            journal.record(started())
        with pytest.raises(StoreError, match="not JSON"):
            await journal.flush()
        with pytest.raises(StoreError, match="not JSON"):
            await journal.close()

    asyncio.run(run())
    assert open_store(tmp_path).reopen_run("r1")[1].recorded().calls == {}


def test_a_head_that_is_no_json_is_refused(tmp_path: Path) -> None:
    record = run_record()
    object.__setattr__(record, "inputs", {"x": object()})
    with pytest.raises(StoreError, match="the head of the run"):
        open_store(tmp_path).create_run(record)


def test_a_negative_cost_in_the_store_is_refused_not_added_up(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1", finished())
    with sqlite3.connect(store.path) as connection:
        body = json.loads(connection.execute("SELECT body FROM events WHERE seq = 0").fetchone()[0])
        connection.execute("UPDATE events SET body = ? WHERE seq = 0", (json.dumps(body | {"cost": -1_000_000}),))
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("UPDATE ledger SET cost = -1000000")
    with pytest.raises(StoreError, match='event 0 of run r1 is damaged, "cost"'):
        store.reopen_run("r1")


def test_documents_of_a_changed_run_replace_the_old_ones(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1")
    record = run_record()
    object.__setattr__(record, "plan_digest", "sha256:9")
    object.__setattr__(record, "steps", {"ask": "sha256:8"})
    store.change_run(record)
    with store.reader() as reader:
        assert reader.run_record("r1") == record
        assert reader.run_record("r2") is None


def test_resuming_a_run_that_is_not_there_names_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='there is no run "nope"; "nano-flow runs list"'):
        open_store(tmp_path).reopen_run("nope")


def test_sums_are_exact_beyond_what_a_float_holds(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    large = 2**53 + 1
    write_life(store, "r1", *(finished(turn=turn, cost=Money(large)) for turn in range(3)))
    with store.reader() as reader:
        assert reader.find_run("r1").cost == 3 * large
        assert reader.spend("run")[0].cost == 3 * large


class TestSqliteStore(StoreContract, QueueContract):
    def store(self, folder: Path) -> Store:
        return open_store(folder)


def test_readers_that_come_and_go_do_not_cost_a_connection_its_locks(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    asyncio.run(store.create_run(run_record()).close())
    watch = store.watch()
    before = watch.version()
    # Were the locks of the watch lost with this reader's, the last connection elsewhere would delete the log under it.
    store.reader().close()
    script = (
        "import sqlite3, sys\n"
        "other = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "other.execute('UPDATE runs SET error = ?', sys.argv[2:])\n"
        "other.close()\n"
    )
    for text in ("one", "two"):
        subprocess.run([sys.executable, "-c", script, str(store.path), text], check=True, timeout=60)
        now = watch.version()
        assert now != before
        before = now
    assert store.path.with_name("state.db-wal").exists()
    watch.close()


def test_a_move_carries_every_table_and_column_but_who_owns_a_run(tmp_path: Path) -> None:
    write_life(open_store(tmp_path), "r1")
    with sqlite3.connect(tmp_path / "state.db") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in tables
            if not table.startswith("sqlite_")
        }
    carried = {table: set(names) for table, names in whole.TABLES.items()}
    assert {table: names - carried.get(table, set()) for table, names in columns.items()} == {
        **{table: set() for table in columns},
        "runs": {name for name in columns["runs"] if name.startswith("owner_")},
        "placed": {"token"},
        "seats": columns["seats"],
    }
