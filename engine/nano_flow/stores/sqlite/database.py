"""A connection to SQLite, as the SQL stores want one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from nano_flow.core.errors import StoreError
from nano_flow.stores.sql.database import Column
from nano_flow.stores.sqlite.schema import guarded, store_error


class SqliteDatabase:
    """One open file. Its clock is this machine's: nobody on another one can have it open."""

    newest = "rowid"
    locking = ""  # a transaction that writes has the file to itself

    def __init__(self, path: Path, connection: sqlite3.Connection, now: Callable[[], float]) -> None:
        self._path = path
        self._connection = connection
        self._connection.row_factory = sqlite3.Row
        self.now = now

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    def execute(self, sql: str, values: Sequence[Column] = ()) -> sqlite3.Cursor:
        """Do one statement."""
        return self._connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none; nobody else writes meanwhile."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def told(self, error: Exception) -> StoreError:
        """``error`` in the words of its reader."""
        return store_error(self._path, error)

    def guarded(self) -> AbstractContextManager[None]:
        """What SQLite and the file system raise leaves as StoreError."""
        return guarded(self._path)

    def recovered(self, error: Exception) -> bool:
        """A file has no connection that could be lost."""
        return False

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()
