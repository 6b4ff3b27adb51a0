"""The exact cache of replies, in one SQLite file that several runs may use at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nano_flow.caches.replies import decode_reply, encode_reply, is_whole
from nano_flow.core.errors import StoreError
from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money

VERSION = 1
BUSY_SECONDS = 5.0
_APPLICATION_ID = 0x6E616E63
_TABLE = """CREATE TABLE replies (
  key TEXT PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, cost INTEGER NOT NULL CHECK (cost >= 0),
  made_at REAL NOT NULL, expires_at REAL, hits INTEGER NOT NULL DEFAULT 0, hit_at REAL
) STRICT"""
_SIMULATED = "(instr(reply, '\"simulated\":true') > 0)"
"""Whether no model said it: as ``encode_reply`` writes that; inside of texts quotation marks are escaped."""
_SHOWN = f"key, model, cost, made_at, expires_at, hits, hit_at, length(reply), {_SIMULATED}"


@dataclass(frozen=True, slots=True)
class CachedReply:
    """One kept reply, for people. Times are seconds since 1970; ``expires_at`` None is never."""

    key: str
    model: str
    cost: Money
    made_at: float
    expires_at: float | None
    hits: int
    hit_at: float | None
    size: int
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache holds and what it saved so far."""

    replies: int
    expired: int
    size: int
    hits: int
    saved: Money


class SqliteCache:
    """Replies by key. Nothing is unpickled: a row that is not a whole reply in JSON is dropped and counts as a miss.

    A cache only saves money, so a run does not end because of one: after an error while it is used (a full disk, a
    damaged file) every look-up misses, and ``tell`` hears why, once.
    """

    def __init__(self, path: Path, tell: Callable[[str], None] = lambda problem: None) -> None:
        """Open the cache at ``path``, or make it. Raises StoreError, and leaves a newer or foreign file untouched."""
        self.path = path
        self.problem: str | None = None
        self._tell = tell
        with _guarded(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                _prepare(self._db, path)
            except BaseException:
                self._db.close()
                raise

    def get(self, key: str, now: float) -> tuple[ChatReply, Money] | None:
        """The reply under ``key`` and what it had cost, or None."""
        if self.problem is not None:
            return None
        try:
            row = self._db.execute(
                "SELECT reply, cost FROM replies WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)", (key, now)
            ).fetchone()
            if row is None:
                return None
            try:
                reply = decode_reply(row[0])
            except ValueError:
                self._db.execute("DELETE FROM replies WHERE key = ?", (key,))
                return None
            self._db.execute("UPDATE replies SET hits = hits + 1, hit_at = ? WHERE key = ?", (now, key))
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return reply, Money(row[1])

    def put(self, key: str, reply: ChatReply, cost: Money, now: float, ttl_s: float | None) -> None:
        """Keep a whole reply for ``ttl_s`` seconds (None: until it is cleared); any other reply is not kept."""
        if self.problem is not None or not is_whole(reply):
            return
        try:
            text = encode_reply(reply)
        except (TypeError, ValueError):
            return
        expires = None if ttl_s is None else now + ttl_s
        try:
            self._db.execute(
                "INSERT INTO replies (key, model, reply, cost, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET reply = excluded.reply, cost = excluded.cost, model = excluded.model,"
                " made_at = excluded.made_at, expires_at = excluded.expires_at",
                (key, reply.model, text, cost, now, expires),
            )
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        self.problem = f"{self.path}: {error}; replies are not cached from here on"
        self._tell(self.problem)

    def holds(self, key: str, now: float) -> bool:
        """Whether a reply is kept under ``key``; asking is no hit."""
        with _guarded(self.path):
            row = self._db.execute(
                "SELECT 1 FROM replies WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)", (key, now)
            ).fetchone()
        return row is not None

    def stats(self, now: float) -> CacheStats:
        """What it holds."""
        with _guarded(self.path):
            row = self._db.execute(
                "SELECT count(*), coalesce(sum(expires_at <= ?), 0), coalesce(sum(length(reply)), 0),"
                f" coalesce(sum(hits), 0), coalesce(sum(hits * cost * (NOT {_SIMULATED})), 0) FROM replies",
                (now,),
            ).fetchone()
        return CacheStats(row[0], row[1], row[2], row[3], Money(row[4]))

    def entries(self, limit: int) -> list[CachedReply]:
        """The newest ``limit`` replies."""
        with _guarded(self.path):
            rows = self._db.execute(
                f"SELECT {_SHOWN} FROM replies ORDER BY made_at DESC, key LIMIT ?",
                (limit,),
            ).fetchall()
        return [_shown(row) for row in rows]

    def find(self, prefix: str) -> list[tuple[CachedReply, ChatReply]]:
        """The replies whose key begins with ``prefix``, at most two: enough to tell that it is not unique."""
        with _guarded(self.path):
            rows = self._db.execute(
                f"SELECT {_SHOWN}, reply FROM replies WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT 2",
                (prefix,),
            ).fetchall()
        found = []
        for row in rows:
            try:
                found.append((_shown(row), decode_reply(row[9])))
            except ValueError:
                continue
        return found

    def clear(self, now: float, *, expired_only: bool = False, made_before: float | None = None) -> int:
        """Forget replies; how many there were."""
        condition, values = "1", tuple[float, ...]()
        if expired_only:
            condition, values = "expires_at <= ?", (now,)
        elif made_before is not None:
            condition, values = "made_at < ?", (made_before,)
        with _guarded(self.path):
            gone = self._db.execute(f"DELETE FROM replies WHERE {condition}", values).rowcount
            if not expired_only:
                self._db.execute("VACUUM")
        return gone

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _shown(row: Sequence[Any]) -> CachedReply:
    """A row that begins with the columns of ``_SHOWN``."""
    return CachedReply(row[0], row[1], Money(row[2]), row[3], row[4], row[5], row[6], row[7], bool(row[8]))


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            str(path), f"a newer nano-flow made this cache (version {version}); update, or delete the file"
        )
    if version and application != _APPLICATION_ID:
        raise StoreError(str(path), "this is not a cache of nano-flow; move it away, or use another --state-dir")
    with suppress(sqlite3.OperationalError):  # SQLite does not wait here while another process does the same
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if version == 0:
        _create(db)


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] == 0:  # another process may have been first
        db.execute(_TABLE)
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        hint = "; it holds nothing but kept replies and may be deleted" if isinstance(error, sqlite3.Error) else ""
        raise StoreError(str(path), f"the cache cannot be used: {error}{hint}") from error
