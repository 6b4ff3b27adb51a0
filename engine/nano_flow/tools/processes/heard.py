"""What a command prints, told while it runs: whole lines, at most once a second, up to a bound."""

from __future__ import annotations

import asyncio

from nano_flow.ports.commands import Tell

_EVERY_S = 0.7
"""What is over sooner is told of by its result alone."""
_MOST = 64 * 1024
"""Bytes of one stream that are told; the result holds the rest."""


class Heard:
    """The lines of one stream, gathered for a moment before they are told."""

    def __init__(self, stream: str, tell: Tell) -> None:
        self._stream = stream
        self._tell = tell
        self._waiting = bytearray()
        self._told = 0
        self._due: asyncio.TimerHandle | None = None

    def take(self, chunk: bytes) -> None:
        """The next bytes of the stream."""
        if self._told >= _MOST:
            return
        self._waiting += chunk[: _MOST - self._told - len(self._waiting)]
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_EVERY_S, self._flush)

    def close(self) -> None:
        """The command is over: its result tells the rest."""
        if self._due is not None:
            self._due.cancel()

    def _flush(self) -> None:
        self._due = None
        end = self._waiting.rfind(b"\n") + 1
        if not end:
            return
        text = self._waiting[:end].decode("utf-8", errors="replace")
        del self._waiting[:end]
        self._told += end
        self._tell(self._stream, text)
