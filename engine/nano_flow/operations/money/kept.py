"""Replies that are kept between runs: counted, shown, forgotten."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from nano_flow.adapters import kept_at, open_kept
from nano_flow.caches.replies import encode_reply
from nano_flow.caches.sqlite import CachedReply, CacheStats, SqliteCache
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import ChatReply
from nano_flow.core.money import ZERO
from nano_flow.operations.place import Place

__all__ = ["CacheStats", "CachedReply", "encode_reply", "find_kept", "forget", "kept_at", "kept_replies", "kept_stats"]


def kept_stats(place: Place) -> CacheStats:
    """How many replies are kept, and what they saved."""
    with _kept(place) as cache:
        return CacheStats(0, 0, 0, 0, ZERO) if cache is None else cache.stats(time.time())


def kept_replies(place: Place, limit: int) -> list[CachedReply]:
    """The newest ``limit`` replies."""
    with _kept(place) as cache:
        return [] if cache is None else cache.entries(limit)


def find_kept(place: Place, key: str) -> tuple[CachedReply, ChatReply]:
    """The reply whose key begins with ``key``. Raises UsageError where there is not exactly one."""
    with _kept(place) as cache:
        found = [] if cache is None else cache.find(key)
    if len(found) != 1:
        what = "more than one reply has" if found else "no reply has"
        raise UsageError(f'{what} a key that begins with "{key}"; "nano-flow cache show" lists them')
    return found[0]


def forget(place: Place, *, expired: bool = False, older_than_days: float | None = None) -> int:
    """Forget kept replies: those whose time is over, those made before that many days, or all. How many it were."""
    now = time.time()
    before = None if older_than_days is None else now - older_than_days * 86_400
    with _kept(place) as cache:
        return 0 if cache is None else cache.clear(now, expired_only=expired, made_before=before)


@contextmanager
def _kept(place: Place) -> Iterator[SqliteCache | None]:
    cache = open_kept(place.state)
    try:
        yield cache
    finally:
        if cache is not None:
            cache.close()
