"""Follows the store: one look, several times a second, for all who listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from nano_flow.core.errors import StoreError

LOOK_SECONDS = 0.2


class Follower:
    """Tells its listeners that something was written; looks only while somebody listens.

    ``version`` gives a number that differs whenever another process has written to the store.
    """

    def __init__(self, version: Callable[[], int], seconds: float = LOOK_SECONDS) -> None:
        self._version = version
        self._seconds = seconds
        self._listeners: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def listeners(self) -> int:
        """How many are told."""
        return len(self._listeners)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever something was written; its holder clears it."""
        changed = asyncio.Event()
        self._listeners.add(changed)
        self._loop = asyncio.get_running_loop()
        if self._task is None:
            self._task = asyncio.create_task(self._look())
        try:
            yield changed
        finally:
            self._listeners.discard(changed)

    def tell(self) -> None:
        """Something was written by this process itself."""
        for listener in self._listeners:
            listener.set()

    def tell_soon(self) -> None:
        """The same, from a thread that serves a request; SQLite tells a connection of changes by others only."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.tell)

    async def close(self) -> None:
        """Stop looking, and let everybody who listens go."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.tell()

    async def _look(self) -> None:
        before = self._seen()
        while self._listeners:
            await asyncio.sleep(self._seconds)
            now = self._seen()
            if now != before:
                before = now
                self.tell()
        self._task = None

    def _seen(self) -> int:
        try:
            return self._version()
        except StoreError:
            return -1  # said to whoever asks for a page; here it only means that there is nothing to follow
