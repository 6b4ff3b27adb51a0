"""A sink that raises is told of once and dropped: who looks on must not end what is looked at."""

from __future__ import annotations

from collections.abc import Callable

from nano_flow.core.events import Event
from nano_flow.ports import EventSink


class GuardedSink:
    """Hands events on to ``sink`` until it raises; ``tell`` then hears why."""

    def __init__(self, sink: EventSink, tell: Callable[[str], None]) -> None:
        self._sink: EventSink | None = sink
        self._name = type(sink).__name__
        self._tell = tell

    def handle(self, event: Event) -> None:
        """Pass one event on."""
        if self._sink is not None:
            self._try(lambda sink: sink.handle(event))

    def close(self) -> None:
        """The run is over; nobody is left to be told."""
        if self._sink is not None:
            self._tell = lambda problem: None
            self._try(lambda sink: sink.close())

    def _try(self, do: Callable[[EventSink], None]) -> None:
        sink = self._sink
        assert sink is not None
        try:
            do(sink)
        except Exception as error:  # whatever a sink of somebody else's does wrong
            self._sink = None
            self._tell(f"{self._name} cannot follow the run any more and was dropped: {type(error).__name__}: {error}")
