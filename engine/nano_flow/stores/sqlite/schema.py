"""The tables of the store, how a file becomes one, and what is said when it cannot."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from shlex import quote

from nano_flow.core.errors import StoreError

APPLICATION_ID = 0x6E616E6F
BUSY_SECONDS = 30.0

SCRIPTS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE runs (
             run_id TEXT PRIMARY KEY, workflow TEXT NOT NULL, file TEXT NOT NULL, created_at REAL NOT NULL,
             plan_digest TEXT NOT NULL, status TEXT NOT NULL, simulated INTEGER NOT NULL, head TEXT NOT NULL,
             finished_at REAL, active_s REAL NOT NULL DEFAULT 0, error TEXT, stop_reason TEXT, stop_address TEXT,
             cancel_requested_at REAL,
             owner_token TEXT, owner_host TEXT, owner_pid INTEGER, owner_started TEXT, owner_until REAL
           ) STRICT""",
        "CREATE INDEX runs_by_time ON runs (created_at)",
        """CREATE TABLE events (
             run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL, at REAL NOT NULL,
             body TEXT NOT NULL, PRIMARY KEY (run_id, seq)
           ) STRICT""",
        """CREATE TABLE ledger (
             run_id TEXT NOT NULL, seq INTEGER NOT NULL, workflow TEXT NOT NULL, step TEXT NOT NULL,
             address TEXT NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL, model TEXT NOT NULL,
             provider TEXT NOT NULL, requested TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT NOT NULL,
             at REAL NOT NULL, day TEXT NOT NULL, duration_s REAL NOT NULL,
             cost INTEGER CHECK (cost >= 0), possibly_spent INTEGER NOT NULL CHECK (possibly_spent >= 0),
             saved INTEGER NOT NULL CHECK (saved >= 0), simulated INTEGER NOT NULL,
             input_tokens INTEGER NOT NULL, cached_input_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
             cache_write_1h_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
             audio_input_tokens INTEGER NOT NULL, audio_output_tokens INTEGER NOT NULL, measured INTEGER NOT NULL,
             price_entry TEXT NOT NULL, unpriced TEXT NOT NULL, PRIMARY KEY (run_id, seq)
           ) STRICT""",
        "CREATE INDEX ledger_by_time ON ledger (at)",
        """CREATE TABLE approvals (
             run_id TEXT NOT NULL, address TEXT NOT NULL, message TEXT NOT NULL, options TEXT NOT NULL,
             input_schema TEXT, asked_at REAL NOT NULL, expires_at REAL,
             decision TEXT, input TEXT, comment TEXT, answered_by TEXT, answered_at REAL,
             PRIMARY KEY (run_id, address)
           ) STRICT""",
    ),
    (
        """CREATE TABLE marks (
             kind TEXT NOT NULL, name TEXT NOT NULL, at REAL NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name)
           ) STRICT""",
        "CREATE INDEX runs_by_status ON runs (status, created_at)",
        """CREATE TABLE charges (
             run_id TEXT NOT NULL, address TEXT NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL,
             at REAL NOT NULL, workflow TEXT NOT NULL, provider TEXT NOT NULL, tags TEXT NOT NULL,
             amount INTEGER NOT NULL CHECK (amount >= 0), settled INTEGER NOT NULL,
             PRIMARY KEY (run_id, address, turn, attempt, at)
           ) STRICT""",
        "CREATE INDEX charges_by_time ON charges (at)",
    ),
    (
        """CREATE TABLE seats (
             token TEXT PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, runs INTEGER NOT NULL,
             host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, until REAL NOT NULL
           ) STRICT""",
        """CREATE TABLE scopes (
             run_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run_id, name)
           ) STRICT""",
        """CREATE TABLE placed (
             run_id TEXT NOT NULL, address TEXT NOT NULL, label TEXT NOT NULL, scope TEXT NOT NULL, asked TEXT NOT NULL,
             body TEXT NOT NULL, state TEXT NOT NULL, good INTEGER NOT NULL, stop TEXT NOT NULL, past INTEGER NOT NULL,
             number INTEGER NOT NULL, placed_at REAL NOT NULL, token TEXT, outcome TEXT,
             PRIMARY KEY (run_id, address)
           ) STRICT""",
        "CREATE INDEX placed_ready ON placed (label, placed_at) WHERE state = 'ready'",
        "CREATE INDEX placed_taken ON placed (token) WHERE state = 'taken'",
        "CREATE INDEX placed_handed_in ON placed (run_id, number) WHERE number >= 0",
    ),
)
"""Script *n* (from 0) brings a store of version *n* to version *n* + 1; one that shipped is never edited."""


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system say into a StoreError that names ``path`` and what to do."""
    try:
        yield
    except (sqlite3.Error, OSError, OverflowError, UnicodeDecodeError) as error:  # the last one: of damaged text
        raise store_error(path, error) from error


def store_error(path: Path, error: Exception) -> StoreError:
    """``error`` in the words of its reader."""
    text = str(error)
    for sign, advice in _ADVICE:
        if sign in text.lower():
            return StoreError(str(path), advice.format(text=text, path=quote(str(path)), away=quote(f"{path}.damaged")))
    if isinstance(error, sqlite3.Error | OSError):
        return StoreError(str(path), f"the store cannot be used: {text}")
    return StoreError(str(path), f"the run cannot be stored: {text}")


_DAMAGED = (
    'the store is damaged ({text}); keep a copy and rescue what is left with "sqlite3 {path} .recover", '
    'or put it away to begin a new one: "mv {path} {away}"'
)
_READ_ONLY = (
    "the store cannot be written ({text}); check the permissions of its folder, or name another with --state-dir"
)
_ADVICE = (
    ("disk is full", 'the disk is full; free some space, then go on with "nano-flow resume"'),
    ("no space left", 'the disk is full; free some space, then go on with "nano-flow resume"'),
    ("disk i/o error", "the disk failed ({text}); check its free space and health, nothing more is paid until then"),
    ("codec can't decode", _DAMAGED),
    ("readonly", _READ_ONLY),
    ("read-only", _READ_ONLY),
    ("permission denied", _READ_ONLY),
    ("unable to open", _READ_ONLY),
    ("not a directory", _READ_ONLY),
    ("not a database", _DAMAGED),
    ("malformed", _DAMAGED),
    ("file is truncated", _DAMAGED),
    ("no such table", _DAMAGED),
    ("no such column", _DAMAGED),
    ("locked", f"another process has kept the store locked for over {BUSY_SECONDS:.0f} s; try again"),
)


def open_for_writing(path: Path, scripts: Sequence[Sequence[str]] = SCRIPTS) -> sqlite3.Connection:
    """A connection to the store at ``path``, made or migrated where needed. Raises StoreError."""
    with guarded(path), ExitStack() as stack:
        _make_folder(path.parent)
        _look_at(path, len(scripts))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        stack.callback(connection.close)
        version = _version(connection, path, len(scripts))
        _use_wal(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        if version < len(scripts):
            _migrate(connection, path, scripts)
        stack.pop_all()
    return connection


def open_for_reading(path: Path, scripts: Sequence[Sequence[str]] = SCRIPTS) -> sqlite3.Connection:
    """A connection that changes nothing; works while a run writes, and in folders that cannot be written."""
    with guarded(path), ExitStack() as stack:
        if not path.is_file():
            raise StoreError(str(path), 'there is no store here yet; "nano-flow run FILE" makes one')
        _look_at(path, len(scripts))
        connection = _connect_read_only(path)
        stack.callback(connection.close)
        version = _version(connection, path, len(scripts))
        stack.pop_all()
    if version < len(scripts):
        connection.close()
        open_for_writing(path, scripts).close()
        return open_for_reading(path, scripts)
    return connection


def _connect_read_only(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        # Without a log beside it nothing is missing from the file itself, so it may be read where nothing can be made.
        connection.close()
        if _log_size(path):
            raise
        connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None)
    return connection


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _log_size(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def _look_at(path: Path, known: int) -> None:
    """Refuse by its first bytes what must not be touched: opening a file in SQLite may already leave traces.

    SQLite notices a lost end only when it reads there; half a history is worse than none. While a log lies beside the
    file, only SQLite knows what holds.
    """
    if path.is_file():
        found = path.stat()
        _look_once(path, known, (found.st_dev, found.st_ino))


@lru_cache(maxsize=64)
def _look_once(path: Path, known: int, identity: tuple[int, int]) -> None:
    """Once for each file and process, before SQLite opens it here for the first time.

    Whoever closes a file, however it was opened, loses all locks that this process has on it, and SQLite's with them:
    another process would then take itself for the last one, and delete the log under a connection that is open here.
    """
    if _log_size(path):
        return
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        return
    page_size = int.from_bytes(head[16:18], "big")
    pages, version, application = (int.from_bytes(head[at : at + 4], "big") for at in (28, 60, 68))
    if path.stat().st_size < (65536 if page_size == 1 else page_size) * pages and not _log_size(path):
        raise sqlite3.DatabaseError("file is truncated")
    if application or version:
        _judge(path, application, version, known)


def _version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """The version of an open store; 0 where it is empty. Asked in one transaction: another process may be making it."""
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if own:
        connection.execute("COMMIT")
    if application == 0 and not tables:
        return 0
    _judge(path, application, version, known)
    return version


def _judge(path: Path, application: int, version: int, known: int) -> None:
    if application != APPLICATION_ID:
        raise StoreError(str(path), "this is a database of another program; name another folder with --state-dir")
    if version > known:
        raise StoreError(
            str(path),
            f"the store has version {version}, this nano-flow reads up to {known}; it was left untouched: "
            "use the newer nano-flow, or name another folder with --state-dir",
        )


def _migrate(connection: sqlite3.Connection, path: Path, scripts: Sequence[Sequence[str]]) -> None:
    """Every script that is missing, in one transaction: a crash leaves the version that was there."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in scripts[_version(connection, path, len(scripts)) :]:
            for statement in script:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Two processes that make a store at once may find it locked for a moment; SQLite does not wait there."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise StoreError(
            str(path), "this file system has no shared memory for the store; name another with --state-dir"
        )
