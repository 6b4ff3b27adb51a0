"""How large the body of a request may be, and how long it may take."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

LARGEST_BODY = 1024 * 1024
BODY_SECONDS = 20.0


class TooLarge(Exception):
    """The body has more than ``LARGEST_BODY`` bytes."""


class TooSlow(Exception):
    """The body did not come within ``BODY_SECONDS``."""


async def whole_body(receive: Receive, declared: str | None) -> bytes:
    """The body of a request. Raises TooLarge, TooSlow; nothing beyond the bound is kept in memory."""
    if declared is not None and declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise TooLarge
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collected(receive)
    except TimeoutError:
        raise TooSlow from None


def replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the whole ``body`` once, then what comes after it (the client's leaving)."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


async def _collected(receive: Receive) -> bytes:
    pieces, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(pieces)
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > LARGEST_BODY:
            raise TooLarge
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)
