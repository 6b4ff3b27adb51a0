"""The journal of one run in a store of SQL."""

from __future__ import annotations

import asyncio

from nano_flow.core.events import Event, TextStreamed
from nano_flow.core.secrets.masks import Masks
from nano_flow.ports import RecordedWork
from nano_flow.stores.sql.writer import Writer


class SqlJournal:
    """The journal of one run, which this process owns until ``close``."""

    def __init__(self, writer: Writer, work: RecordedWork) -> None:
        self._writer = writer
        self._work = work
        self._closed = False

    @property
    def cancel_requested(self) -> bool:
        """True once somebody asked, from another process, to cancel the run; looked up every quarter of a second."""
        return self._writer.cancel_requested

    def record(self, event: Event, masks: Masks = ()) -> None:
        """Write within a quarter of a second. Raises StoreError once an earlier write has failed."""
        if type(event) is not TextStreamed:
            self._writer.put(event, masks)

    async def durable(self, event: Event, masks: Masks = ()) -> None:
        """Write and return when it is on disk. Raises StoreError."""
        self._writer.put(event, masks)
        await self._writer.settled()

    async def flush(self) -> None:
        """Return when everything recorded so far is on disk. Raises StoreError."""
        await self._writer.settled()

    def recorded(self) -> RecordedWork:
        """What earlier lives of this run did, as it was when the run was taken over."""
        return self._work

    async def close(self) -> None:
        """Flush, give the lease back, close. Raises StoreError where something could not be written."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.stop)
        if self._writer.failure is not None:
            raise self._writer.failure
