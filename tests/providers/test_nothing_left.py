"""Hundreds of calls that end in every way: no task, connection or generator of theirs is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import nano_flow
from nano_flow.core.errors import ProviderError
from nano_flow.core.messages import ChatReply, ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ModelCard
from nano_flow.results import RunResult
from tests.providers.odd import GOOD, REPLIES
from tests.providers.replay import STREAMING, Reply, provider, sse
from tests.providers.test_litellm import chunk

AT_ONCE = 32
PIECES = sse(*[chunk({"content": "word "})] * 20, chunk({}, "stop"))


def packed(reply: Mapping[str, Any]) -> Reply:
    return Reply(json.dumps(reply).encode())


BEDROCK = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10},
}
WAYS: Mapping[str, tuple[str, Reply, bool]] = {
    "finished": ("openai", Reply(GOOD), False),
    "finished stream": ("openai", Reply(PIECES, content_type="text/event-stream"), True),
    "failed": ("openai", Reply(b'{"error": {"message": "no"}}', 500), False),
    "cut off": ("openai", Reply(GOOD[:50], cut=True), False),
    "cut stream": ("openai", Reply(PIECES[:500], content_type="text/event-stream", cut=True), True),
    "finished, and goes on": ("openai", Reply(PIECES * 300, content_type="text/event-stream"), True),
    "endless stream": ("openai", Reply(b": ping\n" * 100_000, content_type="text/event-stream"), True),
    "redirected": ("openai", Reply(b"", 307), True),
    "claude": ("anthropic", packed(REPLIES["anthropic"]), False),
    "claude failed": ("anthropic", Reply(b"no", 500), True),
    "gemini": ("gemini", packed(REPLIES["gemini"]), False),
    "gemini failed": ("gemini", Reply(b"no", 500), True),
    "bedrock": ("bedrock", packed(BEDROCK), False),
    "bedrock failed": ("bedrock", Reply(b'{"message": "no"}', 500), False),
    "bedrock stream failed": ("bedrock", Reply(b'{"message": "no"}', 500), True),
    "bedrock no JSON": ("bedrock", Reply(b"{"), False),
    "bedrock endless": ("bedrock", Reply(b"x" * 2_000_000), False),
    "bedrock garbled stream": (
        "bedrock",
        Reply(b"\0\0\0\x20\0\0\0\0" + b"x" * 90, content_type="application/vnd.amazon.eventstream", cut=True),
        True,
    ),
    "bedrock redirected": ("bedrock", Reply(b"", 307), True),
    "bedrock reset": ("bedrock", Reply(b"", reset=True), True),
    "bedrock cut stream": ("bedrock", Reply(b"\0\0\0\x20", content_type="application/vnd.amazon.eventstream"), True),
    "ollama failed": ("ollama_chat", Reply(b"no", 500), True),
}
"""A provider, what its server sends, whether it is asked for a stream."""
REPLIES_THAT_COUNT = frozenset({"finished", "finished stream", "finished, and goes on", "claude", "gemini", "bedrock"})


class Counting:
    """A server that knows which connections are open; ``silent`` answers with the beginning of its reply only."""

    def __init__(self, reply: Reply, *, silent: bool = False) -> None:
        self._reply = reply
        self._silent = silent
        self.asked = 0
        self.due: tuple[int, asyncio.Event] = (0, asyncio.Event())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answered(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def asked_for(self, count: int) -> None:
        """Wait until so many requests have come."""
        self.due = (count, asyncio.Event())
        await self.due[1].wait()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(next((int(h[15:]) for h in head.split("\r\n") if h.startswith("content-length:")), 0))
        self.asked += 1
        if self.asked == self.due[0]:
            self.due[1].set()
        reply = self._reply
        if reply.reset:
            writer.transport.abort()
            return False
        size = len(reply.body) + (10 if reply.cut or self._silent else 0)
        head = f"HTTP/1.1 {reply.status} X\r\ncontent-type: {reply.content_type}\r\ncontent-length: {size}\r\n\r\n"
        writer.write(head.encode() + reply.body)
        await writer.drain()
        if self._silent:
            await reader.read()
        return not (reply.cut or self._silent)


async def left(before: set[asyncio.Task[Any]]) -> list[str]:
    """What is still there when the loop has had its moments; connections are seen by the tasks that serve them."""
    gc.collect()
    remains: set[object] = set()
    for _ in range(100):
        begun = (one for one in asyncio.get_running_loop()._asyncgens if one.ag_frame)  # type: ignore[attr-defined]
        remains = {*asyncio.all_tasks() - before, *begun}
        if not remains:
            break
        await asyncio.sleep(0.005)
    return [repr(one) for one in remains]


Calls = Callable[[Counting, str], Any]


def after(server: Counting, calls: Calls) -> list[str]:
    """What ``calls`` leave in the process; also what was only noticed when it was thrown away."""

    async def main() -> list[str]:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["message"])))
        before = asyncio.all_tasks()
        try:
            await calls(server, address)
            return [*await left(before), *told]
        finally:
            listener.close()

    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", ResourceWarning)
        remains = asyncio.run(asyncio.wait_for(main(), 60))
        gc.collect()
    return remains + [str(warning.message) for warning in noticed if issubclass(warning.category, ResourceWarning)]


def question(name: str, timeout_s: float = 30.0) -> ChatRequest:
    return ChatRequest(ModelRef(name, "m"), (Message("user", "hello"),), timeout_s=timeout_s, max_output_tokens=100)


def cards(name: str, *, streamed: bool) -> dict[str, ModelCard]:
    """A card that has its calls streamed, or none."""
    return {"m": ModelCard(ModelRef(name, "m"), can=STREAMING)} if streamed else {}


@pytest.mark.parametrize("way", WAYS)
def test_calls_that_came_to_their_end(way: str) -> None:
    name, reply, streamed = WAYS[way]

    async def calls(server: Counting, address: str) -> None:
        made = provider(name, address, **cards(name, streamed=streamed))
        request = question(name)
        done = await asyncio.gather(
            *(made.complete(request, (lambda _: None) if streamed else None) for _ in range(AT_ONCE)),
            return_exceptions=True,
        )
        assert server.asked == AT_ONCE
        good = way in REPLIES_THAT_COUNT
        assert all(isinstance(one, ChatReply if good else ProviderError) for one in done), done[0]
        await made.close()

    assert after(Counting(reply), calls) == []


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic", "bedrock"])
@pytest.mark.parametrize("ended", ["cancelled", "timed out"])
def test_calls_that_were_broken_off(name: str, streamed: bool, ended: str) -> None:
    half = Reply(PIECES[:900], content_type="text/event-stream") if name == "openai" else Reply(b"")

    async def calls(server: Counting, address: str) -> None:
        made = provider(name, address, **cards(name, streamed=streamed))
        request = question(name, 0.2 if ended == "timed out" else 30.0)
        tasks = [
            asyncio.create_task(made.complete(request, (lambda _: None) if streamed else None)) for _ in range(AT_ONCE)
        ]
        if ended == "cancelled":
            await server.asked_for(AT_ONCE)
            for task in tasks:
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError | ProviderError) for one in done)
        await made.close()

    assert after(Counting(half, silent=True), calls) == []


def test_a_run_that_is_stopped_with_its_calls_in_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: w\nsteps:\n"
        "  work: {for_each: range(200), max_parallel: 64, model: here/m, prompt: Hello}\n"
    )

    async def calls(server: Counting, address: str) -> None:
        (tmp_path / "providers.yaml").write_text(
            f"nano_flow: 1\nproviders:\n  here: {{litellm: openai, base_url: {address}/v1, open: true}}\n"
        )
        run = asyncio.create_task(nano_flow.arun("w.yaml", where=nano_flow.Where(state_dir=tmp_path / "state")))
        await server.asked_for(16)
        run.cancel()
        done = (await asyncio.gather(run, return_exceptions=True))[0]
        assert not isinstance(done, Exception)
        assert isinstance(done, asyncio.CancelledError) or (isinstance(done, RunResult) and done.status == "paused")

    assert after(Counting(Reply(PIECES[:900]), silent=True), calls) == []
