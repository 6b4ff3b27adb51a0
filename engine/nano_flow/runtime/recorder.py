"""Where events go: without secrets, to the journal first and then to whoever looks on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nano_flow.core.events import Event
from nano_flow.core.redact import Redactor
from nano_flow.ports import EventSink, Journal, RunRecord
from nano_flow.ports.journal import HEAD_FIELDS


def sealed_record(record: RunRecord, secrets: Redactor) -> RunRecord:
    """The head of a run without secrets, with references to what was taken out of it."""
    head = {name: getattr(record, name) for name in HEAD_FIELDS}
    cleaned, masks = secrets.sealed(head)
    return replace(record, **cleaned, masks=masks) if masks else record


class Recorder:
    """The one place that every event of a run passes."""

    def __init__(self, journal: Journal, sinks: Sequence[EventSink], secrets: Redactor | None = None) -> None:
        self._journal = journal
        self._handlers = tuple(sink.handle for sink in sinks)
        self.secrets = secrets or Redactor(())
        self._has_secrets = bool(self.secrets)
        self.unheard = False
        """True once a sink has raised: such an error ends the run, it is no failure of the step that told of itself."""

    def emit(self, event: Event) -> None:
        """Tell everybody; written to the journal soon. Raises StoreError once the journal is broken."""
        if self._has_secrets:
            for cleaned, masks in self.secrets.told(event):
                self._journal.record(cleaned, masks)
                self._show(cleaned)
            return
        self._journal.record(event)
        self.unheard = True  # as in ``_show``, without a call: this is done for every event
        for handle in self._handlers:
            handle(event)
        self.unheard = False

    async def durable(self, event: Event) -> None:
        """The same, and return when it is on disk."""
        for cleaned, masks in self.secrets.told(event):
            await self._journal.durable(cleaned, masks)
            self._show(cleaned)

    def show(self, events: Sequence[Event]) -> None:
        """Tell whoever looks on of what another process has written into the journal of this run."""
        for event in events:
            self._show(event)

    def _show(self, event: Event) -> None:
        self.unheard = True
        for handle in self._handlers:
            handle(event)
        self.unheard = False
