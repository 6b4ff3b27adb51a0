"""How providers have answered lately, counted at most every few seconds however many pages ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from nano_flow.operations.models.health import Health, healths
from nano_flow.operations.place import Place

WINDOW_S = 86_400.0
_FRESH_S = 10.0


@dataclass(slots=True)
class Lately:
    """The last day of a store, by provider and by model; every call in it is read for that."""

    place: Place
    now: Callable[[], float]
    _rows: tuple[list[Health], list[Health]] = ([], [])
    _at: float = -_FRESH_S
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rows(self) -> tuple[list[Health], list[Health]]:
        """By provider and by model, the busiest first. Raises StoreError."""
        with self._lock:
            now = self.now()
            if not 0 <= now - self._at < _FRESH_S:
                self._rows, self._at = healths(self.place, now - WINDOW_S), now
            return self._rows
