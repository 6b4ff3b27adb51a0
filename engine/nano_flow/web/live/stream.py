"""Streams of server-sent events: "something changed" for the pages, the events of one run for programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nano_flow.core.events import Event
from nano_flow.core.shown.event_json import event_json, json_text
from nano_flow.web.live.follow import Follower

HEARTBEAT_SECONDS = 15.0
SLOW_SECONDS = 20.0
"""A reader that takes nothing for so long is cut off."""
Numbered = Sequence[tuple[int, Event]]


class EventStream(Response):
    """A response that sends pieces as they come; ends when the reader leaves, or is too slow."""

    def __init__(self, pieces: AsyncIterator[str]) -> None:
        super().__init__()  # frameworks look for a response of this kind, and would encode any other object
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, OSError):
                await sending

    async def _send(self, send: Send) -> None:
        async for piece in self._pieces:
            async with asyncio.timeout(SLOW_SECONDS):
                await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def changes(follower: Follower, until: asyncio.Event) -> AsyncIterator[str]:
    """A line for each time that the store changed, and one now and then so that nobody takes the silence for an end."""
    yield "retry: 2000\n\nevent: open\ndata: {}\n\n"
    async with follower.listening() as changed:
        while not until.is_set():
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            changed.clear()
            yield "event: changed\ndata: {}\n\n"


async def events(
    follower: Follower, read: Callable[[int], tuple[Numbered, bool]], after: int, until: asyncio.Event
) -> AsyncIterator[str]:
    """The events of one run from the one after ``after`` on, until it is over.

    ``read`` gives the events after a number, and whether somebody is still at work on the run.
    """
    yield "retry: 2000\n\n"
    async with follower.listening() as changed:
        while not until.is_set():
            found, goes_on = await asyncio.to_thread(read, after)
            for after, event in found:
                yield f"id: {after}\nevent: {type(event).__name__}\ndata: {json_text(dict(event_json(event)))}\n\n"
            if not found and not goes_on:
                yield "event: end\ndata: {}\n\n"
                return
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield ": still here\n\n"
            changed.clear()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
