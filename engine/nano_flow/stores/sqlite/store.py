"""The store of a project: ``.nano-flow/state.db``, the journal of every run in one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.store import SqlStore
from nano_flow.stores.sqlite.database import SqliteDatabase
from nano_flow.stores.sqlite.schema import guarded, open_for_reading, open_for_writing

FILE_NAME = "state.db"
_LOOK_S = 0.01


class SqliteStore(SqlStore):
    """A store on disk; made with ``open_store``."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now

    @property
    def place(self) -> str:
        """The path of its file."""
        return str(self.path)

    def exists(self) -> bool:
        """True where the file is there."""
        return self.path.exists()

    def opened(self) -> SqliteDatabase:
        """A connection that writes. Raises StoreError."""
        return SqliteDatabase(self.path, open_for_writing(self.path), self._now)

    def opened_for_reading(self) -> SqliteDatabase:
        """A connection that changes nothing. Raises StoreError."""
        return SqliteDatabase(self.path, open_for_reading(self.path), self._now)

    @property
    def embedded(self) -> bool:
        """A file of this machine."""
        return True

    @property
    def kind(self) -> str:
        """SQLite."""
        return "sqlite"

    def measured(self, database: Database) -> tuple[int, int]:
        """Its version, and the bytes of its file and of the log beside it."""
        row = database.execute("PRAGMA user_version").fetchone()
        log = self.path.with_name(self.path.name + "-wal")
        size = self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        return 0 if row is None else int(row[0]), size

    def damage(self, database: Database) -> Iterator[str]:
        """What SQLite finds wrong with its pages and indexes."""
        for row in database.execute("PRAGMA integrity_check"):
            if row[0] != "ok":
                yield f"the file is damaged: {row[0]}"

    def watch(self) -> SqliteWatch:
        """Notices what others write, by the counter that SQLite keeps for each connection."""
        return SqliteWatch(self)

    def compact(self) -> None:
        """Give the space of deleted runs back to the disk; left for later where somebody writes meanwhile."""
        with guarded(self.path):
            connection = open_for_writing(self.path)
            try:
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
            finally:
                connection.close()


class SqliteWatch:
    """A connection of its own, opened as soon as there is a file; used by one thread at a time."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._database: SqliteDatabase | None = None
        self._seen = 0

    def version(self) -> int:
        """``PRAGMA data_version``; 0 before there is a store. Raises StoreError."""
        if self._database is None:
            if not self._store.exists():
                return 0
            self._database = self._store.opened_for_reading()
        with self._database.guarded():
            return int(self._database.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, seconds: float) -> bool:
        """Look at the counter a hundred times a second: that costs less than a thousandth of a core."""
        until = time.monotonic() + seconds
        while (now := self.version()) == self._seen:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_LOOK_S, left))
        self._seen = now
        return True

    def close(self) -> None:
        """Let the file go."""
        if self._database is not None:
            self._database.close()


def open_store(state_dir: Path | str, now: Callable[[], float] = time.time) -> SqliteStore:
    """The store in ``state_dir``; nothing is made before the first run is."""
    return SqliteStore(Path(state_dir) / FILE_NAME, now)
