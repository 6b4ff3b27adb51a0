"""``nano-flow cache``: replies that are kept between runs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from nano_flow.caches.replies import encode_reply
from nano_flow.caches.sqlite import CachedReply, SqliteCache
from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.core.text import rfc3339

_EPILOG = """\b
Examples:
  nano-flow cache stats
  nano-flow cache show 3f2a
  nano-flow cache clear --expired
"""


@click.group("cache", epilog=_EPILOG)
def command() -> None:
    """Show and clear the replies that steps with "cache:" keep."""


@command.command("stats")
@pass_options
def stats(options: Options, /) -> int:
    """How many replies are kept, and what they saved."""
    cache = _open(options)
    now = time.time()
    try:
        found = None if cache is None else cache.stats(now)
    finally:
        _close(cache)
    fields: dict[str, Json] = {
        "file": str(_path(options)),
        "replies": found.replies if found else 0,
        "expired": found.expired if found else 0,
        "bytes": found.size if found else 0,
        "hits": found.hits if found else 0,
        "saved_usd": usd(found.saved) if found else "0",
    }
    if options.json:
        output.document("nano-flow/cache@1", fields)
    else:
        output.data("\n".join(f"{name.replace('_', ' '):9}  {value}" for name, value in fields.items()))
    return 0


@command.command("show")
@click.argument("key", required=False)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@pass_options
def show(options: Options, /, key: str | None, limit: int) -> int:
    """List the kept replies, newest first, or show the one whose key begins with KEY."""
    cache = _open(options)
    try:
        if key is not None:
            return _show_one(options, cache, key)
        entries = [] if cache is None else cache.entries(limit)
    finally:
        _close(cache)
    if options.json:
        output.document("nano-flow/cache-replies@1", {"replies": [_fields(entry) for entry in entries]})
    elif entries:
        rows = [(e.key[:12], e.model, usd(e.cost), rfc3339(e.made_at), _until(e), e.hits) for e in entries]
        output.data(output.table(("key", "model", "cost", "made", "until", "hits"), rows, right=("cost", "hits")))
    else:
        output.note('nothing is kept; "cache: true" on a step keeps its replies')
    return 0


@command.command("clear")
@click.option("--expired", is_flag=True, help="Only those whose time is over.")
@click.option("--older-than", "days", type=click.FloatRange(0), metavar="DAYS", help="Only those made before that.")
@pass_options
def clear(options: Options, /, expired: bool, days: float | None) -> int:
    """Forget kept replies; without an option, all of them."""
    if expired and days is not None:
        raise UsageError("--expired and --older-than exclude each other")
    cache = _open(options)
    now = time.time()
    try:
        before = None if days is None else now - days * 86_400
        gone = 0 if cache is None else cache.clear(now, expired_only=expired, made_before=before)
    finally:
        _close(cache)
    if options.json:
        output.document("nano-flow/cache-clear@1", {"removed": gone})
    else:
        output.data(f"{gone} replies removed" if gone != 1 else "1 reply removed")
    return 0


def _show_one(options: Options, cache: SqliteCache | None, key: str) -> int:
    found = [] if cache is None else cache.find(key)
    if len(found) != 1:
        what = "more than one reply has" if found else "no reply has"
        raise UsageError(f'{what} a key that begins with "{key}"; "nano-flow cache show" lists them')
    entry, reply = found[0]
    if options.json:
        output.document("nano-flow/cache-reply@1", {**_fields(entry), "reply": json.loads(encode_reply(reply))})
        return 0
    calls = [f"{output.one_line(call.name)}({output.one_line(call.arguments, 200)})" for call in reply.tool_calls]
    parts = [reply.text, *calls]
    output.data("\n".join(output.clean(part) for part in parts if part))
    return 0


def _fields(entry: CachedReply) -> dict[str, Json]:
    return {
        "key": entry.key,
        "model": entry.model,
        "cost_usd": usd(entry.cost),
        "made_at": rfc3339(entry.made_at),
        "expires_at": None if entry.expires_at is None else rfc3339(entry.expires_at),
        "hits": entry.hits,
        "bytes": entry.size,
    }


def _until(entry: CachedReply) -> str:
    return "cleared" if entry.expires_at is None else rfc3339(entry.expires_at)


def _path(options: Options) -> Path:
    return options.state / "cache.db"


def _open(options: Options) -> SqliteCache | None:
    """The cache, or None where nothing was ever kept: looking must not make a file."""
    path = _path(options)
    return SqliteCache(path) if path.exists() else None


def _close(cache: SqliteCache | None) -> None:
    if cache is not None:
        cache.close()
