"""Who looks on while a run happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nano_flow.core.events import Event


class EventSink(Protocol):
    """Sees every event of a run as it happens; must be quick and must not raise."""

    def handle(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """The run is over."""


class EventMetrics(Protocol):
    """Counts events for a monitoring system."""

    def apply(self, run_id: str, event: Event) -> None:
        """Count one event of a run."""

    def know(self, run_id: str, event: Event) -> None:
        """Remember what later events need of one that happened before the count began."""

    def stand(self, statuses: Mapping[str, int], questions: int, budgets: Mapping[str, tuple[float, float]]) -> None:
        """How things stand now: runs by status, open questions, (spent, amount) of each budget in US dollars."""

    def text(self) -> tuple[bytes, str]:
        """What the monitoring system reads, and its media type."""
