"""``nano-flow cache``: replies that are kept between runs."""

from __future__ import annotations

import json

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.core.text import rfc3339
from nano_flow.operations.money.kept import (
    CachedReply,
    encode_reply,
    find_kept,
    forget,
    kept_at,
    kept_replies,
    kept_stats,
)

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
    found = kept_stats(options.place)
    fields: dict[str, Json] = {
        "file": str(kept_at(options.state)),
        "replies": found.replies,
        "expired": found.expired,
        "bytes": found.size,
        "hits": found.hits,
        "saved_usd": usd(found.saved),
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
    if key is not None:
        return _show_one(options, key)
    entries = kept_replies(options.place, limit)
    if options.json:
        output.document("nano-flow/cache-replies@1", {"replies": [_fields(entry) for entry in entries]})
    elif entries:
        rows = [(e.key[:12], e.model, _cost(e), rfc3339(e.made_at), _until(e), e.hits) for e in entries]
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
    gone = forget(options.place, expired=expired, older_than_days=days)
    if options.json:
        output.document("nano-flow/cache-clear@1", {"removed": gone})
    else:
        output.data(f"{gone} replies removed" if gone != 1 else "1 reply removed")
    return 0


def _show_one(options: Options, key: str) -> int:
    entry, reply = find_kept(options.place, key)
    if entry.simulated and not options.json:
        output.note("simulated: no model said this", level=-1)
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
        "simulated": entry.simulated,
    }


def _cost(entry: CachedReply) -> str:
    return f"{usd(entry.cost)} simulated" if entry.simulated else usd(entry.cost)


def _until(entry: CachedReply) -> str:
    return "cleared" if entry.expires_at is None else rfc3339(entry.expires_at)
