"""Rings when something was written to a store that may be for a worker, so that it need not look all the time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from nano_flow.core.errors import NanoFlowError
from nano_flow.ports.store import Store, StoreWatch

_WAIT_S = 2.0
_REST_S = 0.02
"""A run that is under way writes all the time: nobody looks more often than this."""


class Bell:
    """Waits in a thread of its own; a store that cannot be reached rings not at all, and is looked at by the clock."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._closed = threading.Event()
        threading.Thread(target=self._listen, name="bell", daemon=True).start()

    async def rung(self, seconds: float) -> None:
        """Return when it rings, at the latest after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()

    def ring(self) -> None:
        """Ring it by hand, from the loop."""
        self._event.set()

    def close(self) -> None:
        """It rings no more; its thread ends soon."""
        self._closed.set()

    def _listen(self) -> None:
        watch: StoreWatch | None = None
        while not self._closed.is_set():
            try:
                watch = watch or self._store().watch()
                if watch.wait(_WAIT_S):
                    self._loop.call_soon_threadsafe(self._event.set)
                time.sleep(_REST_S)
            except NanoFlowError:
                watch = None
                time.sleep(_WAIT_S)
            except RuntimeError:  # the loop is closed
                return
        if watch is not None:
            watch.close()
