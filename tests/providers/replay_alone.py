"""One direct call against a server of a few lines, in a process that has loaded nothing else."""

from __future__ import annotations

import asyncio

from nano_flow.clock import SystemClock
from nano_flow.core.messages import ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ProviderCard
from nano_flow.providers.table import ProviderTable, Surroundings

_BODY = b'{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],"model":"m"}'


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    lines = ["HTTP/1.1 200 OK", "content-type: application/json", f"content-length: {len(_BODY)}", "connection: close"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + _BODY)
    await writer.drain()
    writer.close()


async def answered() -> str:
    """The text of the reply."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    card = ProviderCard("loop", None, None, settings={"base_url": url}, api="openai", open=True)
    table = ProviderTable({"loop": card}, Surroundings(SystemClock(), {}))
    request = ChatRequest(ModelRef("loop", "m"), (Message("user", "hello"),), timeout_s=20.0)
    reply = await (await table.ready("loop")).complete(request)
    await table.close()
    server.close()
    return reply.text
