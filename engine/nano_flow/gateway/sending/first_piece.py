"""A reply whose first piece has to come in time: a server that accepts a call and then says nothing is left early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from nano_flow.core.errors import TimedOut
from nano_flow.core.messages import ChatReply
from nano_flow.core.refs import ModelRef
from nano_flow.ports import Clock

Listener = Callable[[str], None]
Send = Callable[[Listener], Awaitable[ChatReply]]


async def in_time(clock: Clock, limit: float, ref: ModelRef, send: Send, listener: Listener | None) -> ChatReply:
    """The reply that ``send`` gets; TimedOut where no piece of it has come after ``limit`` seconds."""
    came = asyncio.Event()

    def heard(piece: str) -> None:
        came.set()
        if listener is not None:
            listener(piece)

    reply = asyncio.ensure_future(send(heard))
    others = {asyncio.create_task(clock.sleep(limit)), asyncio.create_task(_until(came))}
    try:
        await asyncio.wait({reply, *others}, return_when=asyncio.FIRST_COMPLETED)
        if not reply.done() and not came.is_set():
            raise TimedOut(f"{ref} sent no piece of its reply within {limit:g} s")
        return await reply
    finally:
        tasks = [task for task in (reply, *others) if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _until(came: asyncio.Event) -> None:
    await came.wait()
