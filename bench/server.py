"""A loopback server of chat completions, in a process of its own: it answers after a delay, streams, calls tools.

A request with ``stream`` gets ``CHUNKS`` pieces. A request with ``tools`` gets a call of the first one until as many
results came back as its first message's last word says.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.measure import ROOT

DELAY_S = 0.05
CHUNKS = 23
_HEAD = {"id": "chatcmpl-1", "created": 1_760_000_000, "model": "gpt-5-mini"}
_USAGE = {"prompt_tokens": 40, "completion_tokens": 40, "total_tokens": 80}


def _whole(message: dict[str, Any], finish: str) -> bytes:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    body = json.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _stream() -> bytes:
    pieces: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "A short reply. "}, "finish_reason": None}]}
    ] * CHUNKS
    pieces += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": _USAGE}]
    texts = [json.dumps({**_HEAD, "object": "chat.completion.chunk", **piece}) for piece in pieces]
    body = "".join(f"data: {text}\n\n" for text in [*texts, "[DONE]"]).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_REPLY = _whole({"content": "A short reply. " * 10}, "stop")
_STREAM = _stream()


def _answer(request: dict[str, Any]) -> bytes:
    if request.get("stream"):
        return _STREAM
    messages = request["messages"]
    results = sum(message["role"] == "tool" for message in messages)
    if not request.get("tools") or results >= int(messages[0]["content"].split()[-1]):
        return _REPLY
    function = {"name": request["tools"][0]["function"]["name"], "arguments": f'{{"path": "notes_{results}.txt"}}'}
    call = {"id": f"call_{results}", "type": "function", "function": function}
    return _whole({"content": None, "tool_calls": [call]}, "tool_calls")


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r")[0] or 0)
            answer = _answer(json.loads(await reader.readexactly(length)))
            await asyncio.sleep(DELAY_S)
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_converse, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def running() -> Iterator[str]:
    """The address of a server that lives as long as the block."""
    process = subprocess.Popen([sys.executable, "-m", "bench.server"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_serve())
