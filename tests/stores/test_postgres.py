"""The store in PostgreSQL: the contracts of all stores and journals, and what only a server can do wrong."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from nano_flow.contracts.journal import JournalContract
from nano_flow.contracts.queue import QueueContract
from nano_flow.contracts.samples import finished, intended, run_record, started, write_life
from nano_flow.contracts.store import StoreContract
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.ports import Journal
from nano_flow.ports.store import Store
from tests.stores.postgres import schema_url, server

__all__ = ["schema_url"]

psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")


def open_postgres(url: str) -> Store:
    from nano_flow.stores.postgres.store import PostgresStore

    return PostgresStore(url)


class _Here:
    url = ""

    @pytest.fixture(autouse=True)
    def _address(self, schema_url: str) -> None:
        self.url = schema_url


class TestPostgresStore(_Here, StoreContract, QueueContract):
    def store(self, folder: Path) -> Store:
        return open_postgres(self.url)


class TestPostgresJournal(_Here, JournalContract):
    def first_life(self, folder: Path) -> Journal:
        return open_postgres(self.url).create_run(run_record())

    def next_life(self, earlier: Journal, folder: Path) -> Journal:
        return open_postgres(self.url).reopen_run("r1")[1]


def end_connections(name: str) -> None:
    """What an administrator, or a server that restarts, does to everybody's connections."""
    with psycopg.connect(server(), autocommit=True) as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        assert connection.execute(query, (name,)).rowcount


def test_a_lost_connection_costs_nothing_that_was_recorded(schema_url: str) -> None:
    store = open_postgres(schema_url)

    async def run() -> None:
        journal = store.create_run(run_record())
        await journal.durable(started())
        for turn in range(5):
            end_connections(schema_url.rpartition("schema=")[2])
            await journal.durable(intended(turn=turn))
            await journal.durable(finished(turn=turn))
        await journal.close()

    asyncio.run(run())
    _, journal = store.reopen_run("r1")
    assert len(journal.recorded().calls) == 5 and journal.recorded().spent == 1500
    asyncio.run(journal.close())


def test_who_was_taken_over_cannot_write_any_more(schema_url: str) -> None:
    store = open_postgres(schema_url)

    async def run() -> None:
        journal = store.create_run(run_record())
        await journal.durable(started())
        with psycopg.connect(server(), autocommit=True) as connection:
            name = schema_url.rpartition("schema=")[2]
            connection.execute(f"UPDATE {name}.runs SET owner_until = 0, owner_host = 'elsewhere'")
        _, later = open_postgres(schema_url).reopen_run("r1")
        with pytest.raises(StoreError, match="taken over by another process"):
            await journal.durable(intended())
        await later.durable(intended())
        await later.close()

    asyncio.run(run())


def test_many_who_come_at_once_make_one_store(schema_url: str) -> None:
    raised: list[Exception] = []

    def make(number: int) -> None:
        try:
            write_life(open_postgres(schema_url), f"r{number}")
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    with open_postgres(schema_url).reader() as reader:
        assert len(reader.list_runs()) == 6


def test_a_newer_store_is_left_untouched(schema_url: str) -> None:
    write_life(open_postgres(schema_url), "r1")
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"UPDATE {schema_url.rpartition('schema=')[2]}.nano_flow_store SET version = 99")
    for use in (lambda store: store.reader(), lambda store: store.create_run(run_record("r2"))):
        with pytest.raises(StoreError, match="version 99, this nano-flow reads up to"):
            use(open_postgres(schema_url))


def test_tables_of_another_program_are_not_touched(schema_url: str) -> None:
    name = schema_url.rpartition("schema=")[2]
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute(f"CREATE TABLE {name}.events (id INTEGER)")
    with pytest.raises(StoreError, match='holds a table "events" of another program'):
        open_postgres(schema_url).create_run(run_record())


def test_an_address_never_shows_its_password() -> None:
    store = open_postgres("postgresql://ann:s3cret-word@127.0.0.1:1/runs?connect_timeout=1")
    assert store.place == "postgresql://127.0.0.1:1/runs"
    with pytest.raises(StoreError, match="the server cannot be reached") as caught:
        store.reader()
    assert "s3cret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://h/d?schema=My-Runs", "is no name of a schema"),
        ("postgresql://h/d?schema=a&pgbouncer=true", "behind pgbouncer"),
        ("postgresql://h:port/d", "the address of the store cannot be read"),
    ],
)
def test_addresses_that_cannot_be_meant(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_postgres(url)
