"""A connection to SQLite, as the SQL stores want one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from nano_flow.core.errors import StoreError
from nano_flow.stores.sql.database import Column
from nano_flow.stores.sqlite.schema import guarded, store_error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class SqliteDatabase:
    """One open file. Its clock is this machine's: nobody on another one can have it open."""

    newest = "rowid"
    locking = ""  # a transaction that writes has the file to itself

    def __init__(self, path: Path, connection: sqlite3.Connection, now: Callable[[], float]) -> None:
        self._path = path
        self._connection = connection
        self._connection.row_factory = sqlite3.Row
        self.now = now
        self._file = _identity(path)
        self._log = path.with_name(path.name + "-wal")
        self._has_log = False

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    def skipping(self, table: str) -> str:
        """Nobody else writes meanwhile."""
        return ""

    def announce(self) -> None:
        """SQLite keeps a counter that others look at."""

    def execute(self, sql: str, values: Sequence[Column] = ()) -> sqlite3.Cursor:
        """Do one statement."""
        return self._connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none; nobody else writes meanwhile. Raises StoreError where the file is gone."""
        self._be_there()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
            self._has_log = self._has_log or self._log.exists()
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _be_there(self) -> None:
        """SQLite goes on writing into a file that somebody removed, and all of it is lost."""
        gone = _identity(self._path) != self._file
        if gone or (self._has_log and not self._log.exists()):
            what = self._path if gone else self._log
            raise StoreError(
                str(what),
                "was removed or replaced while it was in use; what was recorded before is only in a copy, if there is "
                "one, and nothing more is paid: put it back, or begin the run anew",
            )

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
