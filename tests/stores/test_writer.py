"""The writing thread: what it promises to those who wait, those who stopped waiting, and those who are gone."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from nano_flow.contracts.journal import kinds
from nano_flow.core.errors import StoreError
from nano_flow.stores.sql import lease, writer
from nano_flow.stores.sql.journal import SqlJournal
from nano_flow.stores.sqlite.store import SqliteStore, open_store
from tests.stores.samples import finished, intended, run_record, started


def stored(store: SqliteStore) -> list[str]:
    with store.reader() as reader:
        return kinds([event for _, event in reader.events_of("r1")])


def test_who_stops_waiting_is_written_all_the_same(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    async def run() -> None:
        journal = store.create_run(run_record())
        task = asyncio.create_task(journal.durable(started()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await journal.durable(intended())
        await journal.close()

    asyncio.run(run())
    assert stored(store) == ["RunStarted", "CallIntended"]


def test_a_loop_that_ended_leaves_its_events_written(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    journal = store.create_run(run_record())

    async def leave() -> None:
        journal.record(started())
        waiting = asyncio.ensure_future(journal.durable(intended()))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    asyncio.run(journal.close())
    assert stored(store) == ["RunStarted", "CallIntended"]


def test_many_events_that_nobody_waits_for_are_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "TICK_SECONDS", 3600.0)
    store = open_store(tmp_path)
    journal = store.create_run(run_record())
    for turn in range(2000):
        journal.record(finished(turn=turn))
    # Nothing else wakes the thread before an hour has gone.
    deadline = threading.Event()
    for _ in range(1000):
        if stored(store):
            break
        deadline.wait(0.01)
    assert len(stored(store)) >= 1000
    asyncio.run(journal.close())
    assert len(stored(store)) == 2000


def test_an_idle_owner_holds_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "TICK_SECONDS", 0.001)
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.0)
    store = open_store(tmp_path)
    journal = store.create_run(run_record())
    with sqlite3.connect(store.path) as connection:
        query = "SELECT owner_until FROM runs"
        first = connection.execute(query).fetchone()[0]
        later = first
        for _ in range(1000):
            later = connection.execute(query).fetchone()[0]
            if later > first:
                break
            threading.Event().wait(0.01)
    assert later > first
    asyncio.run(journal.close())


def broken(store: SqliteStore) -> SqlJournal:
    """A journal whose run was deleted under its hands."""
    journal = store.create_run(run_record())
    with sqlite3.connect(store.path) as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    return journal


def test_a_deleted_run_cannot_be_written_and_everybody_who_waits_hears_of_it(tmp_path: Path) -> None:
    async def run() -> None:
        journal = broken(open_store(tmp_path))
        told = await asyncio.gather(
            *(journal.durable(intended(turn=turn)) for turn in range(5)), return_exceptions=True
        )
        assert [type(error) for error in told] == [StoreError] * 5
        assert "taken over by another process, or deleted" in str(told[0])
        with pytest.raises(StoreError):
            await journal.close()

    asyncio.run(run())


def test_a_store_that_breaks_stops_the_run_with_its_path(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    async def run() -> None:
        journal = store.create_run(run_record())
        with sqlite3.connect(store.path) as connection:
            connection.execute("DROP TABLE events")
        connection.close()
        with pytest.raises(StoreError, match=r"state\.db: the store is damaged \(no such table: events\)"):
            await journal.durable(started())
        with pytest.raises(StoreError, match="damaged"):
            journal.record(started())
        with pytest.raises(StoreError, match="damaged"):
            await journal.close()

    asyncio.run(run())
