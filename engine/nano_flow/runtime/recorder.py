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
        self.unheard = False
        """True once a sink has raised: such an error ends the run, it is no failure of the step that told of itself."""

    def emit(self, event: Event) -> None:
        """Tell everybody; written to the journal soon. Raises StoreError once the journal is broken."""
        if self._clean is not None:
            event = self._clean(event)
        self._journal.record(event)
        self._show(event)

    async def durable(self, event: Event) -> None:
        """The same, and return when it is on disk."""
        if self._clean is not None:
            event = self._clean(event)
        await self._journal.durable(event)
        self._show(event)

    def _show(self, event: Event) -> None:
        self.unheard = True
        for handle in self._handlers:
            handle(event)
        self.unheard = False
