"""A journal that lives and dies with the process: for tests, rehearsals and what need not be resumed."""

from __future__ import annotations

from collections.abc import Iterable

from nano_flow.core.events import Event, TextStreamed
from nano_flow.core.secrets.masks import Masks
from nano_flow.ports import RecordedWork
from nano_flow.stores.recorded import recorded_work


class MemoryJournal:
    """Keeps the events in ``events``; ``earlier`` are those of an earlier life of the run."""

    def __init__(self, earlier: Iterable[Event] = ()) -> None:
        self.events: list[Event] = list(earlier)

    @property
    def cancel_requested(self) -> bool:
        """Nobody else knows of it."""
        return False

    def record(self, event: Event, masks: Masks = ()) -> None:
        """Keep it."""
        if type(event) is not TextStreamed:
            self.events.append(event)

    async def durable(self, event: Event, masks: Masks = ()) -> None:
        """Keep it; as durable as this journal gets."""
        self.record(event)

    async def flush(self) -> None:
        """Nothing is ever pending."""

    def recorded(self) -> RecordedWork:
        """What the events so far say."""
        return recorded_work(self.events)

    async def close(self) -> None:
        """Nothing is held."""
