"""Where events go: without secrets, to the journal first and then to whoever looks on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nano_flow.core.events import Event
from nano_flow.ports import EventSink, Journal

Clean = Callable[[Event], Event]
"""Takes secret values out of an event."""


class Recorder:
    """The one place that every event of a run passes."""

    def __init__(self, journal: Journal, sinks: Sequence[EventSink], clean: Clean | None = None) -> None:
        self._journal = journal
        self._handlers = tuple(sink.handle for sink in sinks)
        self._clean = clean

    def emit(self, event: Event) -> None:
        """Tell everybody; written to the journal soon. Raises StoreError once the journal is broken."""
        if self._clean is not None:
            event = self._clean(event)
        self._journal.record(event)
        for handle in self._handlers:
            handle(event)

    async def durable(self, event: Event) -> None:
        """The same, and return when it is on disk."""
        if self._clean is not None:
            event = self._clean(event)
        await self._journal.durable(event)
        for handle in self._handlers:
            handle(event)
