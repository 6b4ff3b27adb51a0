"""What machines read and call beside the API: metrics, and an MCP server that is mounted from outside."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from nano_flow.web.pages.frame import site_of
from nano_flow.web.security.tokens import Role


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
