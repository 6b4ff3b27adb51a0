"""A run has one owner: who may take it over, and who may not."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from nano_flow.core.errors import StoreError, UsageError
from nano_flow.stores.sql import lease
from nano_flow.stores.sql.journal import SqlJournal
from nano_flow.stores.sqlite.store import SqliteStore, open_store
from tests.stores.samples import intended, run_record, started


class Now:
    """A wall clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 5000.0

    def __call__(self) -> float:
        return self.at


def close(journal: SqlJournal) -> None:
    asyncio.run(journal.close())


def change_owner(store: SqliteStore, **columns: object) -> None:
    assignments = ", ".join(f"{name} = ?" for name in columns)
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"UPDATE runs SET {assignments}", tuple(columns.values()))


def test_a_second_owner_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    journal = store.create_run(run_record())
    with pytest.raises(UsageError, match=r'run "r1" is at work in process \d+ on .*; wait for it, or stop it with'):
        store.reopen_run("r1")
    with store.reader() as reader:
        owner = reader.find_run("r1").owner
    assert owner is not None and owner.startswith("process ")
    close(journal)


def test_a_run_that_was_given_back_is_free(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    close(store.create_run(run_record()))
    close(store.reopen_run("r1")[1])


def test_a_run_of_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    close(store.create_run(run_record()))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    me = lease.this_process()
    change_owner(store, owner_token="x", owner_host=me.host, owner_pid=dead.pid, owner_started="1", owner_until=9e9)
    close(store.reopen_run("r1")[1])


def test_a_process_that_was_killed_and_not_yet_collected_is_dead(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    close(store.create_run(run_record()))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    me = lease.this_process()
    start = lease.start_of(child.pid)
    change_owner(store, owner_token="x", owner_host=me.host, owner_pid=child.pid, owner_started=start, owner_until=9e9)
    with pytest.raises(UsageError, match=f"process {child.pid}"):
        store.reopen_run("r1")
    child.kill()
    # Waits for the end without collecting the child, so that it stays in the process table as a zombie.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    close(store.reopen_run("r1")[1])
    child.wait()


def test_a_process_id_that_was_used_again_is_not_mistaken_for_the_owner(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    close(store.create_run(run_record()))
    me = lease.this_process()
    change_owner(store, owner_token="x", owner_host=me.host, owner_pid=me.pid, owner_started="1", owner_until=9e9)
    close(store.reopen_run("r1")[1])


def test_an_owner_on_another_machine_is_believed_until_its_lease_ends(tmp_path: Path) -> None:
    now = Now()
    store = open_store(tmp_path, now)
    close(store.create_run(run_record()))
    away = {"owner_token": "x", "owner_host": "elsewhere boot pid", "owner_pid": 1, "owner_started": "1"}
    change_owner(store, **away, owner_until=now.at + lease.LEASE_SECONDS)
    with pytest.raises(UsageError, match="process 1 on elsewhere"):
        store.reopen_run("r1")
    now.at += lease.LEASE_SECONDS + 1
    close(store.reopen_run("r1")[1])


def test_who_slept_through_the_lease_writes_nothing_more(tmp_path: Path) -> None:
    now = Now()
    store = open_store(tmp_path, now)

    async def run() -> None:
        sleeper = store.create_run(run_record())
        await sleeper.durable(started())
        change_owner(store, owner_host="elsewhere boot pid", owner_until=now.at - 1)
        _, heir = store.reopen_run("r1")
        with pytest.raises(StoreError, match="taken over by another process"):
            await sleeper.durable(intended())
        with pytest.raises(StoreError, match="taken over"):
            await sleeper.close()
        await heir.durable(intended("b"))
        await heir.close()

    asyncio.run(run())
    with store.reader() as reader:
        assert [getattr(event, "address", "") for _, event in reader.events_of("r1")] == ["", "b"]


def test_the_owner_holds_on_while_it_works(tmp_path: Path) -> None:
    now = Now()
    store = open_store(tmp_path, now)

    async def run() -> None:
        journal = store.create_run(run_record())
        for _ in range(20):
            now.at += lease.HEARTBEAT_SECONDS
            await journal.durable(started())
        with pytest.raises(UsageError, match="is at work"):
            store.reopen_run("r1")
        await journal.close()

    asyncio.run(run())


def test_a_run_whose_process_died_is_shown_as_paused(tmp_path: Path) -> None:
    now = Now()
    store = open_store(tmp_path, now)

    async def run() -> None:
        journal = store.create_run(run_record())
        await journal.durable(started())
        await journal.close()

    asyncio.run(run())
    with store.reader() as reader:
        summary = reader.find_run("r1")
    assert (summary.status, summary.stop_reason, summary.owner) == ("paused", "crash", None)


def test_without_a_process_table_only_existence_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "PROCESSES", Path("/nowhere"))
    assert lease.start_of(1) == "alive"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert lease.start_of(dead.pid) == ""
    assert lease.this_process().started == "alive"


def test_a_request_to_cancel_reaches_the_owner(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    async def run() -> bool:
        journal = store.create_run(run_record())
        await journal.durable(started())
        assert not journal.cancel_requested
        store.request_cancel("r1")
        # The writer looks after every commit, too.
        await journal.durable(intended())
        await journal.close()
        return journal.cancel_requested

    assert asyncio.run(run())
    _, journal = store.reopen_run("r1")
    close(journal)
    assert not journal.cancel_requested
