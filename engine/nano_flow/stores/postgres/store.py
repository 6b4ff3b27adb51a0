"""The store of many machines: runs, events, ledger and questions in one PostgreSQL database."""

from __future__ import annotations

import time
import weakref
from contextlib import suppress

import psycopg

from nano_flow.core.errors import StoreError
from nano_flow.stores.postgres.address import Address, read_address
from nano_flow.stores.postgres.database import PostgresDatabase
from nano_flow.stores.postgres.errors import store_error
from nano_flow.stores.postgres.schema import SCRIPTS, judge, migrate, version_of
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.store import SqlStore

_IDLE = 2
"""How many connections for questions are kept open between two of them."""


class PostgresStore(SqlStore):
    """A database that several machines share."""

    def __init__(self, url: str) -> None:
        self._address = read_address(url)
        self._current = False
        self._idle: list[PostgresDatabase] = []
        weakref.finalize(self, _close_all, self._idle)

    @property
    def place(self) -> str:
        """Its address, without the password."""
        return self._address.place

    def exists(self) -> bool:
        """True where the tables are there. Raises StoreError where the server cannot be asked."""
        if self._current:
            return True
        database = self._connect()
        try:
            with database.guarded():
                return version_of(database) > 0
        finally:
            database.close()

    def opened(self) -> PostgresDatabase:
        """A connection that writes; the tables are made or brought to this version. Raises StoreError."""
        database = self._connect()
        try:
            with database.guarded():
                if not self._current:
                    migrate(database, self._address.schema)
        except BaseException:
            database.close()
            raise
        self._current = True
        return database

    def opened_for_reading(self) -> PostgresDatabase:
        """A connection for questions; an older store is brought to this version. Raises StoreError."""
        with suppress(IndexError):  # another thread may take the last one
            kept = self._idle.pop()
            if kept.usable:
                return kept
        database = self._for_reading()
        try:
            with database.guarded():
                self._look_at(database)
        except BaseException:
            database.discard()
            raise
        return database

    def _for_reading(self) -> _Kept:
        try:
            return _Kept(self._address, self._idle)
        except (psycopg.Error, OSError) as error:
            raise store_error(self._address, error) from error

    def _look_at(self, database: PostgresDatabase) -> None:
        if self._current:
            return
        version = version_of(database)
        judge(database, version)
        if version == 0:
            raise StoreError(self.place, 'there is no store here yet; "nano-flow run FILE" makes one')
        if version < len(SCRIPTS):
            migrate(database, self._address.schema)
        self._current = True

    def _connect(self) -> PostgresDatabase:
        try:
            return PostgresDatabase(self._address)
        except (psycopg.Error, OSError) as error:
            raise store_error(self._address, error) from error

    @property
    def embedded(self) -> bool:
        """Every machine that reaches the server."""
        return False

    @property
    def kind(self) -> str:
        """PostgreSQL."""
        return "postgresql"

    def measured(self, database: Database) -> tuple[int, int]:
        """Its version, and the bytes of its tables with their indexes."""
        row = database.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c JOIN pg_namespace AS n"
            " ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind = 'r'"
        ).fetchone()
        return version_of(database), 0 if row is None else int(row[0] or 0)

    def watch(self) -> PostgresWatch:
        """Notices what others write, by a counter that every transaction moves."""
        return PostgresWatch(self)

    def compact(self) -> None:
        """The server does that by itself."""


class PostgresWatch:
    """Looks at the counter on a connection of its own; used by one thread at a time."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._database: PostgresDatabase | None = None

    def version(self) -> int:
        """The counter; 0 before there is a store. Raises StoreError."""
        if self._database is None or not self._database.usable:
            if not self._store.exists():
                return 0
            self._database = self._store.opened()
        with self._database.guarded():
            row = self._database.execute("SELECT last_value FROM nano_flow_changes").fetchone()
        return 0 if row is None else int(row[0])

    def wait(self, seconds: float) -> bool:
        """Listen for what is announced; behind a pooler nobody can, and the time is slept."""
        self.version()
        if self._database is None:
            time.sleep(seconds)
            return False
        with self._database.guarded():
            return self._database.heard(seconds)

    def close(self) -> None:
        """Let the connection go."""
        if self._database is not None:
            self._database.close()


class _Kept(PostgresDatabase):
    """A connection for questions: who closes it gives it back."""

    def __init__(self, address: Address, idle: list[PostgresDatabase]) -> None:
        super().__init__(address)
        self._idle = idle

    def close(self) -> None:
        """Keep it for the next question, or let it go."""
        if self.usable and len(self._idle) < _IDLE:
            self._idle.append(self)
        else:
            super().close()

    def discard(self) -> None:
        """Let it go."""
        super().close()


def _close_all(idle: list[PostgresDatabase]) -> None:
    while idle:
        database = idle.pop()
        PostgresDatabase.close(database)
