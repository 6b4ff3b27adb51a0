"""What machines read and call beside the API: metrics, and an MCP server that is mounted from outside."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractAsyncContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from nano_flow.core.errors import UsageError
from nano_flow.web.pages.frame import site_of
from nano_flow.web.security.tokens import Role
from nano_flow.web.site import Site


class Guest(Protocol):
    """Another application at an address of this one."""

    @property
    def app(self) -> ASGIApp:
        """It answers."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """What has to run around it."""


async def metrics(request: Request) -> Response:
    """What happened since the server started, for Prometheus."""
    body, media_type = await asyncio.to_thread(site_of(request).metrics.text)
    return Response(body, media_type=media_type)


class MetricsBeside:
    """The same at a port of its own on loopback, without a token; a context manager. Raises UsageError."""

    def __init__(self, site: Site, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path.partition("?")[0] == "/metrics"
                body, media_type = site.metrics.text() if found else (b"", "text/plain")
                self.send_response(200 if found else 404)
                self.send_header("content-type", media_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads a line for each look."""

        Handler.timeout = 10
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"port {port} cannot be served: {reason}; --metrics-port 0 takes any") from None
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/metrics"

    def __enter__(self) -> MetricsBeside:
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class ForRunners:
    """Lets through whose token may start runs: a tool call does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["state"]["token"].role < Role.run:
            refusal = {"code": "role", "message": 'this needs the role "run"', "at": None, "hint": "serve --allow run"}
            await JSONResponse(refusal, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)
