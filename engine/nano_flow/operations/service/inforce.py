"""The service.yaml in force at a place, and what it has due next."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nano_flow.operations.place import Place
from nano_flow.project.service.reading import Service, service_in_force
from nano_flow.project.service.schedule import next_due

__all__ = ["Due", "Service", "due_of", "next_times", "service_of"]


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule, and when it starts its workflow next; None where it never does again."""

    name: str
    cron: str
    timezone: str
    at: float | None


def service_of(place: Place) -> Service:
    """The service.yaml in force. Raises DocumentError with all that is wrong in it."""
    return service_in_force(place.current, place.config_dir, place.environ)


def next_times(service: Service, now: float) -> list[Due]:
    """When each schedule is due next, soonest first."""
    found = [
        Due(name, served.schedule.cron, served.schedule.timezone or "UTC", next_due(served.schedule, now))
        for name, served in service.workflows.items()
        if served.schedule is not None
    ]
    return sorted(found, key=lambda due: (due.at is None, due.at or 0.0))


def due_of(place: Place, file: Path, now: float) -> list[Due]:
    """When the service.yaml that holds for the workflow ``file`` starts it next. Raises DocumentError."""
    service = service_in_force(file.absolute().parent, place.config_dir, place.environ)
    return [one for one in next_times(service, now) if _same(service.file_of(one.name), file)]


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
