"""Connections that send nothing, send their request one byte at a time, or take no answer are cut off."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
TAKE_SECONDS = 30.0
"""A client that takes nothing of what waits for it for so long is cut off, whatever it was sent."""


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with bounds on how long a head and the taking of an answer last; it would wait for ever."""

    _patience: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: its first request has to follow."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Bytes came: either they complete a request, or the rest has to follow."""
        super().data_received(data)
        at_work = self.cycle is not None and not self.cycle.response_complete
        if at_work:
            self._stop_waiting()
        elif self._patience is None:
            self._wait()

    def pause_writing(self) -> None:
        """More waits for the client than a buffer holds."""
        super().pause_writing()
        if self._taking is None:
            self._watch()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        self._stop_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self._stop_waiting()
        self._stop_taking()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _watch(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._taking = asyncio.get_running_loop().call_later(TAKE_SECONDS, self._look, left)

    def _look(self, before: int) -> None:
        self._taking = None
        if self.transport.get_write_buffer_size() < before:
            self._watch()  # slow, but it takes
        else:
            self.transport.abort()  # a close would wait for it to take the rest

    def _give_up(self) -> None:
        self._patience = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
