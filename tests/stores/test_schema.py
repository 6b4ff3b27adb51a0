"""Which files are a store, which are refused, and what is said about each."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from nano_flow.core.errors import StoreError
from nano_flow.stores.sqlite.schema import SCRIPTS, open_for_reading, open_for_writing, store_error
from nano_flow.stores.sqlite.store import SqliteStore, open_store
from tests.stores.samples import finished, run_record, started


def filled(folder: Path, turns: int = 200) -> SqliteStore:
    """A store with one run in it, closed."""
    store = open_store(folder)

    async def run() -> None:
        journal = store.create_run(run_record())
        journal.record(started())
        for turn in range(turns):
            journal.record(finished(turn=turn))
        await journal.close()

    asyncio.run(run())
    return store


def test_a_store_is_durable_and_readable_while_written(tmp_path: Path) -> None:
    connection = open_for_writing(tmp_path / "state.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_an_older_store_is_migrated_when_it_is_opened(tmp_path: Path) -> None:
    path = filled(tmp_path).path
    newer = (*SCRIPTS, ("ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
    connection = open_for_writing(path, newer)
    assert connection.execute("SELECT run_id, colour FROM runs").fetchone() == ("r1", "blue")
    assert connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
    connection.close()


def test_readers_migrate_too(tmp_path: Path) -> None:
    path = filled(tmp_path).path
    newer = (*SCRIPTS, ("CREATE TABLE extra (x TEXT)",))
    connection = open_for_reading(path, newer)
    assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)
    connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path).path
    broken = (*SCRIPTS, ("CREATE TABLE extra (x TEXT)", "ALTER TABLE nowhere ADD COLUMN x"))
    with pytest.raises(StoreError, match="no such table"):
        open_for_writing(path, broken)
    connection = open_for_writing(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone() == (0,)
    connection.close()


def test_a_newer_store_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = store.path.read_bytes()
    for attempt in (lambda: store.create_run(run_record("r2")), store.reader):
        with pytest.raises(StoreError, match=r"state\.db: the store has version 99, this nano-flow reads up to \d+"):
            attempt()
    assert store.path.read_bytes() == before
    assert not store.path.with_name("state.db-wal").exists()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="of another program; name another folder with --state-dir"):
        open_store(tmp_path).create_run(run_record())
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 99, b"\0" * 8192], ids=["text", "nul"])
def test_what_is_no_database_is_damaged_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    for attempt in (lambda: open_store(tmp_path).create_run(run_record()), open_store(tmp_path).reader):
        with pytest.raises(StoreError, match=r'damaged .*"mv '):
            attempt()
    assert path.read_bytes() == content


def test_a_store_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path)
    size = store.path.stat().st_size
    os.truncate(store.path, size // 2)
    for attempt in (lambda: store.reopen_run("r1"), store.reader):
        with pytest.raises(StoreError, match=r"state\.db: the store is damaged \(file is truncated\)"):
            attempt()


def test_pages_of_rubbish_are_damage(tmp_path: Path) -> None:
    store = filled(tmp_path)
    size = store.path.stat().st_size
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreError, match="the store is damaged"):
        store.reopen_run("r1")


def test_a_tail_of_zeros_after_a_crash_loses_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with store.path.open("ab") as file:
        file.write(b"\0" * 8192)
    assert len(store.reopen_run("r1")[1].recorded().calls) == 200


def test_a_cut_log_keeps_what_was_committed_before_the_cut(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()

    async def run() -> None:
        journal = store.create_run(run_record())
        for turn in range(20):
            await journal.durable(finished(turn=turn))
        for name in ("state.db", "state.db-wal"):
            shutil.copy(tmp_path / name, copy / name)
        await journal.close()

    asyncio.run(run())
    log = copy / "state.db-wal"
    os.truncate(log, log.stat().st_size - 100)
    with open_store(copy).reader() as reader:
        turns = [getattr(event, "turn", -1) for _, event in reader.events_of("r1")]
    assert turns == list(range(19))


def test_no_store_yet_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match='there is no store here yet; "nano-flow run FILE" makes one'):
        open_store(tmp_path).reader()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/state/state\.db: the store cannot be written .*--state-dir"):
        open_store(tmp_path / "file" / "state").create_run(run_record())


def test_a_store_is_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with store.reader() as reader:
            assert reader.find_run("last").run_id == "r1"
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("database or disk is full", "free some space"),
        ("[Errno 28] No space left on device", "free some space"),
        ("disk I/O error", "check its free space and health"),
        ("attempt to write a readonly database", "--state-dir"),
        ("[Errno 30] Read-only file system", "--state-dir"),
        ("unable to open database file", "--state-dir"),
        ("database disk image is malformed", ".recover"),
        ("database is locked", "try again"),
        ("something new", "the store cannot be used: something new"),
    ],
)
def test_each_failure_says_what_to_do(text: str, advice: str) -> None:
    message = str(store_error(Path("x/state.db"), sqlite3.OperationalError(text)))
    assert message.startswith("x/state.db: ") and advice in message


def test_processes_that_make_a_store_at_once_make_one(tmp_path: Path) -> None:
    failures: list[Exception] = []
    ready = threading.Barrier(8)

    def make(index: int) -> None:
        ready.wait()
        try:
            journal = open_store(tmp_path).create_run(run_record(f"r{index}"))
            asyncio.run(journal.close())
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=make, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_store(tmp_path).reader() as reader:
        assert len(reader.list_runs()) == 8
