"""Kept replies: found again by key until they expire, never unpickled, never in the way of a run."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from nano_flow.caches.replies import decode_reply, encode_reply
from nano_flow.caches.sqlite import SqliteCache
from nano_flow.core.errors import StoreError
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.money import Money
from nano_flow.ports import Cache

REPLY = ChatReply(
    text="grüß dich",
    finish_reason="tool_calls",
    usage=Usage(10, 1, 2, 3, 4, True, 5, 6, 7),
    tool_calls=(ToolCall("id\n1", "read", '{"a": 1}'),),
    model="gpt-5-mini-2025",
    simulated=True,
    provider_data={"signature": ["x", 1.5, None]},
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SqliteCache]:
    opened = SqliteCache(tmp_path / "state" / "cache.db")
    yield opened
    opened.close()


def test_a_reply_comes_back_as_it_was_with_what_it_had_cost(cache: SqliteCache) -> None:
    port: Cache = cache
    port.put("k", REPLY, Money(123), 100.0, None)
    assert port.get("k", 1e12) == (REPLY, Money(123))
    assert port.get("other", 100.0) is None


def test_a_reply_is_kept_for_its_time_and_replaced_by_a_newer_one(cache: SqliteCache) -> None:
    cache.put("k", REPLY, Money(1), 100.0, 60.0)
    assert cache.holds("k", 159.9) and not cache.holds("k", 160.0) and cache.stats(0.0).hits == 0
    assert cache.get("k", 159.9) is not None
    assert cache.get("k", 160.0) is None
    cache.put("k", replace(REPLY, text="new"), Money(2), 200.0, None)
    assert cache.get("k", 300.0) == (replace(REPLY, text="new"), Money(2))


@pytest.mark.parametrize("reason", ["length", "content_filter", "incomplete"])
def test_a_reply_that_is_not_whole_is_not_kept(cache: SqliteCache, reason: str) -> None:
    cache.put("k", replace(REPLY, finish_reason=reason), Money(1), 0.0, None)  # type: ignore[arg-type]
    cache.put("l", replace(REPLY, finish_reason="stop", text=" ", tool_calls=()), Money(1), 0.0, None)
    assert cache.stats(0.0).replies == 0


def test_what_is_not_json_is_not_kept(cache: SqliteCache) -> None:
    cache.put("k", replace(REPLY, provider_data={"x": float("nan")}), Money(1), 0.0, None)
    assert cache.get("k", 1.0) is None


def test_a_reply_without_tool_calls_or_usage_reads_as_having_none() -> None:
    plain = {"text": "a", "model": "m", "finish_reason": "stop"}
    assert decode_reply(json.dumps(plain)) == ChatReply("a", "stop", Usage(), model="m")


@pytest.mark.parametrize(
    "text",
    [
        "cos\nsystem\n(S'true'\ntR.",
        "[]",
        '{"text": "a"}',
        json.dumps({**json.loads(encode_reply(REPLY)), "finish_reason": "length"}),
        json.dumps({**json.loads(encode_reply(REPLY)), "finish_reason": "because"}),
        json.dumps({**json.loads(encode_reply(REPLY)), "tool_calls": "no"}),
        json.dumps({**json.loads(encode_reply(REPLY)), "tool_calls": [{"id": 1}]}),
        json.dumps({**json.loads(encode_reply(REPLY)), "tool_calls": [7]}),
        json.dumps({**json.loads(encode_reply(REPLY)), "usage": {"input_tokens": -5}}),
    ],
)
def test_a_row_that_was_tampered_with_is_a_miss(cache: SqliteCache, text: str) -> None:
    cache.put("k", REPLY, Money(1), 0.0, None)
    with sqlite3.connect(cache.path) as other:
        other.execute("UPDATE replies SET reply = ?", (text,))
    other.close()
    with pytest.raises(ValueError):
        decode_reply(text)
    assert cache.find("k") == []
    assert cache.get("k", 1.0) is None
    assert cache.stats(1.0).replies == 0


def test_what_was_saved_is_counted(cache: SqliteCache) -> None:
    real = replace(REPLY, simulated=False)
    cache.put("abc", real, Money(100), 10.0, 5.0)
    cache.put("abd", real, Money(50), 20.0, None)
    for _ in range(3):
        cache.get("abd", 21.0)
    stats = cache.stats(21.0)
    assert (stats.replies, stats.expired, stats.hits, stats.saved) == (2, 1, 3, 150)
    assert stats.size > 0
    assert [(e.key, e.model, e.hits, e.hit_at) for e in cache.entries(10)] == [
        ("abd", "gpt-5-mini-2025", 3, 21.0),
        ("abc", "gpt-5-mini-2025", 0, None),
    ]
    assert [entry.key for entry, _ in cache.find("ab")] == ["abc", "abd"]
    assert [reply for _, reply in cache.find("abd")] == [real]


def test_a_simulated_reply_saves_nothing(cache: SqliteCache) -> None:
    cache.put("abc", REPLY, Money(100), 10.0, None)
    cache.get("abc", 11.0)
    assert (cache.stats(12.0).hits, cache.stats(12.0).saved) == (1, 0)


def test_clearing_takes_all_the_old_or_the_expired(cache: SqliteCache) -> None:
    for index, ttl in enumerate([None, 1.0, None]):
        cache.put(str(index), REPLY, Money(1), float(index), ttl)
    assert cache.clear(100.0, expired_only=True) == 1
    assert cache.clear(100.0, made_before=1.0) == 1
    assert cache.clear(100.0) == 1
    assert cache.stats(0.0).replies == 0


def test_only_the_owner_may_read_it(cache: SqliteCache) -> None:
    assert stat.S_IMODE(os.stat(cache.path).st_mode) == 0o600


def test_a_newer_cache_and_a_foreign_file_are_refused_untouched(tmp_path: Path) -> None:
    newer, foreign, text = (tmp_path / name for name in ("newer.db", "foreign.db", "text.db"))
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    with sqlite3.connect(foreign) as other:
        other.execute("PRAGMA user_version = 1")
    db.close()
    other.close()
    text.write_text("not a database at all, but long enough to be looked at " * 10)
    before = text.read_bytes()
    for path, said in ((newer, "newer nano-flow"), (foreign, "not a cache"), (text, "cannot be used")):
        with pytest.raises(StoreError, match=said) as caught:
            SqliteCache(path)
        assert str(path) in str(caught.value)
    assert text.read_bytes() == before


def test_a_path_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteCache(tmp_path / "file" / "cache.db")


def test_an_error_while_it_is_used_ends_the_cache_and_not_the_run(cache: SqliteCache) -> None:
    with sqlite3.connect(cache.path) as other:
        other.execute("DROP TABLE replies")
    other.close()
    assert cache.get("k", 0.0) is None
    assert cache.problem is not None and str(cache.path) in cache.problem
    cache.put("k", REPLY, Money(1), 0.0, None)
    assert cache.get("k", 0.0) is None


def test_a_failing_write_ends_the_cache_and_not_the_run(cache: SqliteCache) -> None:
    with sqlite3.connect(cache.path) as other:
        other.execute("DROP TABLE replies")
    other.close()
    told: list[str] = []
    cache._tell = told.append
    cache.put("k", REPLY, Money(1), 0.0, None)
    cache.put("k", REPLY, Money(1), 0.0, None)
    assert told == [cache.problem]


def test_two_runs_may_use_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"

    def use(worker: int) -> None:
        cache = SqliteCache(path)
        for index in range(20):
            cache.put(f"{worker}-{index}", REPLY, Money(1), 0.0, None)
            cache.get(f"{worker}-{index}", 0.0)
        assert cache.problem is None
        cache.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    cache = SqliteCache(path)
    assert cache.stats(0.0).hits == 80
    cache.close()
