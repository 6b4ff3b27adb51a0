"""The journal of one run in a store of SQL."""

from __future__ import annotations

import asyncio

from nano_flow.core.events import CallIntended, Event, TextStreamed
from nano_flow.core.secrets.masks import Masks
from nano_flow.ports import RecordedWork
from nano_flow.ports.placed import HandedState, PlacedRow
from nano_flow.stores.sql.placed.changes import Handing, Placing, Scope, Withdrawal
from nano_flow.stores.sql.placed.holds import Seated
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
        if type(event) is CallIntended:  # what comes next is the sending
            self._writer.check_sure()

    async def flush(self) -> None:
        """Return when everything recorded so far is on disk. Raises StoreError."""
        await self._writer.settled()

    def recorded(self) -> RecordedWork:
        """What earlier lives of this run did, as it was when the run was taken over."""
        return self._work

    def share(self) -> None:
        """From now on others write events of this run, too."""
        self._writer.shared = True

    def place(self, row: PlacedRow, scope: str | None = None, *, again: bool = False) -> None:
        """Leave an execution to others; ``again`` where earlier lives may have done something at its address."""
        if scope is not None:
            self._writer.change(Scope(row.scope, scope))
        self._writer.change(Placing(row, again))

    def withdraw(self, address: str, how: str) -> None:
        """Nobody shall begin the execution, and whoever has it shall stop."""
        self._writer.change(Withdrawal(address, how))

    def hand_in(self, address: str, state: HandedState, outcome: str, *, good: bool) -> None:
        """What became of an execution that this seat has, written with all events that were recorded before."""
        hold = self._writer.holding
        assert isinstance(hold, Seated)
        self._writer.change(Handing(address, state, outcome, good, hold.token))

    async def close(self) -> None:
        """Flush, give the lease back, close. Raises StoreError where something could not be written."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.stop)
        if self._writer.failure is not None:
            raise self._writer.failure
