"""Starts the server: binds its address, prints where to open it, ends cleanly."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from nano_flow.core.errors import UsageError
from nano_flow.operations.service.helpers import Helpers
from nano_flow.web.app import build_app
from nano_flow.web.security.patience import PatientProtocol
from nano_flow.web.site import Site

_BACKLOG = 1024
_GRACE_SECONDS = 3


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UsageError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        hint = "another program listens there; --port names another" if error.errno == 98 else "--host, --port"
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}; {hint}") from None
    return listener


async def serve(site: Site, listener: socket.socket, helpers: Helpers, ready: Callable[[], None]) -> None:
    """Serve until the process is told to end (Ctrl-C, SIGTERM); ``ready`` is called once requests are answered."""
    # A run of thousands of steps is folded from as many small objects; looking through all of them for cycles again
    # and again while they are made takes longer than the rest.
    gc.set_threshold(50_000, 20, 20)
    app = build_app(site)
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    async with helpers:
        with suppress(KeyboardInterrupt):
            await _Server(config, ready).serve(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
