"""Who looks on while a run happens."""

from __future__ import annotations

from typing import Protocol

from nano_flow.core.events import Event


class EventSink(Protocol):
    """Sees every event of a run as it happens; must be quick and must not raise."""

    def handle(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """The run is over."""
