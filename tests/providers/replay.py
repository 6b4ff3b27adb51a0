"""A loopback server that sends prepared replies, and an adapter that is pointed at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import SO_LINGER, SOL_SOCKET
from struct import pack

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.plan.catalogue import ModelCard
from nano_flow.ports import ChatProvider
from nano_flow.providers.direct.adapter import DirectProvider
from nano_flow.providers.direct.session import Sessions
from nano_flow.providers.litellm import LiteLLMProvider
from tests.providers.endpoints import endpoint

KEYS: Mapping[str, Mapping[str, str]] = {
    "azure": {"AZURE_OPENAI_API_KEY": "CANARY-key-azure"},
    "bedrock": {"AWS_ACCESS_KEY_ID": "AKIACANARY000000", "AWS_SECRET_ACCESS_KEY": "CANARY-key-bedrock"},
    "ollama_chat": {},
}


@dataclass(frozen=True)
class Reply:
    """What the server sends; ``cut`` ends the connection before the body is whole.

    ``raw`` is sent instead of a reply, and the connection closed; ``reset`` breaks it off first.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    raw: bytes | None = None
    reset: bool = False


@dataclass
class Server:
    """Sends its replies in their order, the last one again and again; keeps what was asked."""

    replies: Sequence[Reply]
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    """Request lines and headers, in lower case."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                self.heads.append(head)
                length = next((int(h.split(":")[1]) for h in head.split("\r\n") if h.startswith("content-length:")), 0)
                self.bodies.append(await reader.readexactly(length))
                reply = self.replies[min(len(self.bodies), len(self.replies)) - 1]
                if reply.reset:
                    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
                    writer.transport.abort()
                    break
                if reply.raw is not None:
                    writer.write(reply.raw)
                    break
                more = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
                size = len(reply.body) + (10 if reply.cut else 0)
                writer.write(
                    f"HTTP/1.1 {reply.status} X\r\ncontent-type: {reply.content_type}\r\n"
                    f"content-length: {size}\r\n{more}\r\n".encode()
                )
                writer.write(reply.body)
                await writer.drain()
                if reply.cut:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncIterator[Server]:
    server = Server(replies)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()


STREAMING = frozenset({"tools", "json_schema", "vision", "prompt_caching", "streaming", "stream_usage"})
"""What a model can whose calls are streamed."""
WAY = "litellm"
"""How providers are reached: by ``litellm``, or ``direct`` where they speak one of the three languages."""
DIRECT = {
    **dict.fromkeys(("openai", "groq", "azure"), "openai"),
    "anthropic": "anthropic",
    "gemini": "gemini",
}
"""Service → the language that its servers speak."""


def provider(litellm: str, url: str, **models: ModelCard) -> ChatProvider:
    """An adapter of ``litellm`` at ``url``."""
    base = {"openai": f"{url}/v1", "gemini": f"{url}/v1beta", "groq": f"{url}/openai/v1", "huggingface": f"{url}/v1"}
    settings = {"base_url": base.get(litellm, url), "api_version": "2025-04-01-preview", "region": "us-east-1"}
    keys = KEYS.get(litellm, {f"{litellm.upper()}_API_KEY": f"CANARY-key-{litellm}"})
    cards = {card.ref.model: card for card in models.values()}
    made = endpoint(litellm, litellm, settings, keys, cards)
    if WAY == "direct" and litellm not in DIRECT:
        pytest.skip(f"{litellm} is reached through LiteLLM only")
    if WAY == "direct":
        return Alone(replace(made, api=DIRECT[litellm]), SystemClock(), Sessions())
    return LiteLLMProvider(made, SystemClock())


class Alone(DirectProvider):
    """A direct adapter with connections of its own, which go with it."""

    async def close(self) -> None:
        await self._sessions.close()


async def ask(
    litellm: str, request: ChatRequest, *replies: Reply, on_text: Callable[[str], None] | None = None
) -> ChatReply:
    """One request to an adapter whose server sends ``replies``."""
    async with serving(*replies) as server:
        cards = {} if on_text is None else {"m": ModelCard(request.model, can=STREAMING)}
        made = provider(litellm, server.url, **cards)
        try:
            return await made.complete(request, on_text)
        finally:
            await made.close()


def sse(*events: object, done: bool = True) -> bytes:
    """Server-sent events, each a JSON value or (name, JSON value)."""
    lines = []
    for event in events:
        name, value = event if isinstance(event, tuple) else ("", event)
        lines.append((f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n")
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def service_of(given: object) -> str | None:
    """The service that a test's parameter names."""
    named = getattr(given, "litellm", given)
    return named if isinstance(named, str) and named in SERVICES else None


SERVICES = (*KEYS, *DIRECT, "anthropic", "gemini", "vertex_ai", "cohere", "huggingface", "mistral")
"""Names of services in the parameters of tests."""
