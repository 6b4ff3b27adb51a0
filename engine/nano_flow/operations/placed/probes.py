"""What orchestrators and Prometheus ask of a worker, over the least of HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from nano_flow.core.errors import NanoFlowError, UsageError

Answer = tuple[int, str, bytes]
"""Status, media type, body."""
_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
_PLAIN = "text/plain; charset=utf-8"
_PATIENCE_S = 5.0
_MOST = 16_384


class Probes:
    """Answers GET at some paths; whatever else comes gets the shortest answer that says no."""

    def __init__(self, paths: Mapping[str, Callable[[], Answer]]) -> None:
        self._paths = dict(paths)
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Begin; the port that was taken where ``port`` is 0. Raises UsageError where it is not to be had."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_MOST)
        except OSError as error:
            raise UsageError(f'port {port} of "{host}" cannot be served: {error.strerror or error}') from None
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_PATIENCE_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, _, rest = head.partition(" ")
                status, kind, body = await self._answer(method, rest.partition(" ")[0].partition("?")[0])
                lines = (
                    f"HTTP/1.1 {status} {_REASONS[status]}",
                    f"Content-Type: {kind}",
                    f"Content-Length: {len(body)}",
                    "Connection: close",
                )
                writer.write("\r\n".join((*lines, "", "")).encode("latin-1") + (b"" if method == "HEAD" else body))
                await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return 405, _PLAIN, b"only GET\n"
        answer = self._paths.get(path)
        if answer is None:
            return 404, _PLAIN, f"there are {', '.join(sorted(self._paths))}\n".encode()
        try:
            return await asyncio.to_thread(answer)
        except NanoFlowError as error:
            return 503, _PLAIN, f"{error}\n".encode()


def said(well: bool, yes: str, no: str) -> Answer:
    """A probe's answer in words."""
    return (200, _PLAIN, f"{yes}\n".encode()) if well else (503, _PLAIN, f"{no}\n".encode())
