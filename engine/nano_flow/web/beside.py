"""The pages beside a run of this process: a server in a thread, which ends with whoever began it."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn

from nano_flow.operations.place import Place
from nano_flow.web.app import build_app
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.patience import PatientProtocol
from nano_flow.web.security.tokens import Role, Tokens, fresh_token
from nano_flow.web.serving import bound
from nano_flow.web.site import Site

_HOST = "127.0.0.1"
_ENDING_SECONDS = 5.0


class PagesBeside:
    """Pages of the project on loopback, under a fresh token that may read; a context manager."""

    def __init__(self, place: Place, port: int = 0) -> None:
        self._listener: socket.socket = bound(_HOST, port)
        self._port = int(self._listener.getsockname()[1])
        self._token = fresh_token(Role.read)
        site = Site(place.settled(), Tokens([self._token]), Origins(_HOST, self._port))
        config = uvicorn.Config(
            build_app(site),
            http=PatientProtocol,
            ws="none",
            lifespan="on",
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="nano-flow pages", daemon=True)

    def address(self, run_id: str) -> str:
        """Where the page of a run is opened."""
        return f"http://{_HOST}:{self._port}/runs/{run_id}?token={self._token.secret}"

    def __enter__(self) -> PagesBeside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_ENDING_SECONDS)
        self._listener.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))
