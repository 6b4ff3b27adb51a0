"""An MCP server behind a URL: streamable HTTP, with the headers that the workflow gives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from nano_flow.core.errors import StepError
from nano_flow.ports import ServerOrder

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    from nano_flow.tools.mcp.connection import Session

_BODY = 16 * 1_048_576
"""Bytes of one JSON answer; the SDK bounds events itself."""
_CONNECT_S = 30.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@contextlib.asynccontextmanager
async def http_streams(order: ServerOrder, read_s: float, session: Session) -> AsyncIterator[TransportStreams]:
    """The streams of a server that somebody else runs."""
    _refuse_broken(order)

    async def notice(response: httpx2.Response) -> None:
        if response.status_code == 404 and response.request.method == "POST":
            session.lost = session.lost or "mcp-session-id" in response.request.headers
        await _bound(response)

    local = urlsplit(order.url).hostname in _LOOPBACK
    async with (
        httpx2.AsyncClient(
            headers=dict(order.headers),
            timeout=httpx2.Timeout(_CONNECT_S, read=read_s),
            trust_env=not local,  # a proxy of the environment cannot reach what runs on this machine
            event_hooks={"response": [notice]},
        ) as client,
        streamable_http_client(order.url, http_client=client) as streams,
    ):
        yield streams


def _refuse_broken(order: ServerOrder) -> None:
    for name, value in order.headers.items():
        if not value.isascii() or any(ord(character) < 32 for character in value):
            message = f'the header "{name}" of the server "{order.name}" holds characters that no header may'
            raise StepError("tool", message)


async def _bound(response: httpx2.Response) -> None:
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends the connection once it is larger than the cap."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > _BODY:
                raise httpx2.ReadError(f"the answer is larger than {_BODY:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
