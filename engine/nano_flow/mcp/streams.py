"""The two ways to a host: standard input and output, and HTTP on loopback."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from typing import TYPE_CHECKING

from mcp.server.stdio import stdio_server

from nano_flow.core.errors import UsageError
from nano_flow.mcp.offer import Offer
from nano_flow.mcp.server import build_server

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def serve_stdio(offer: Offer) -> None:
    """Serve one host until it closes its end. Standard output carries the protocol and nothing else."""

    async def serve() -> None:
        server = build_server(offer)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    asyncio.run(serve())


def serve_http(offer: Offer, port: int, token: str | None = None) -> None:
    """Serve hosts at ``http://127.0.0.1:PORT/mcp`` until Ctrl-C; each sends the token as its bearer."""
    import uvicorn

    token = token or secrets.token_urlsafe(24)
    app = BearerOnly(build_server(offer).streamable_http_app(), token)
    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"port {port} cannot be served: {reason}; --port names another, 0 takes any") from None
    with listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        print(f"{address}   Authorization: Bearer {token}", file=sys.stderr, flush=True)  # noqa: T201
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])


class BearerOnly:
    """Lets through only who knows the token; compared in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(given, self._wanted):
                await send(
                    {"type": "http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Bearer")]}
                )
                await send({"type": "http.response.body", "body": b"a token is needed: Authorization: Bearer ..."})
                return
        await self._app(scope, receive, send)
