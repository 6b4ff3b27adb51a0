"""How providers and models have answered lately, from the store."""

from __future__ import annotations

import time
from collections.abc import Iterator

from nano_flow.core.events import Event
from nano_flow.core.text import seconds_of
from nano_flow.operations.place import Place
from nano_flow.ports.store import RunFilter
from nano_flow.views.health import KINDS, Health, healths_of

__all__ = ["Health", "healths", "provider_health"]

_LONGEST_RUN_S = seconds_of("30d")
"""A run that began before the window may still have made calls in it."""


def provider_health(place: Place, since: float, *, by_model: bool = False, name: str = "") -> list[Health]:
    """Calls since then (seconds since 1970), by provider or by model; ``name`` keeps those that contain it.

    Empty where nothing was asked, or nothing was ever run here.
    """
    by_provider, models = healths(place, since)
    return [row for row in (models if by_model else by_provider) if name in row.name]


def healths(place: Place, since: float) -> tuple[list[Health], list[Health]]:
    """The same by provider and by model, read once."""
    store = place.store
    if not store.exists():
        return [], []

    def events() -> Iterator[Event]:
        with store.reader() as reader:
            for run in reader.list_runs(RunFilter(since=since - _LONGEST_RUN_S)):
                if run.finished_at is None or run.finished_at >= since:
                    yield from (event for _, event in reader.events_of(run.run_id, kinds=KINDS))

    return healths_of(events(), since=since)


def day_before(now: float | None = None) -> float:
    """The usual window: the last 24 hours."""
    return (time.time() if now is None else now) - seconds_of("1d")
