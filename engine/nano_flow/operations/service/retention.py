"""Retention: what is older than service.yaml says goes, except what somebody or something still waits for."""

from __future__ import annotations

from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import Service
from nano_flow.ports.store import RunFilter

_WAITS = frozenset({"approval", "wait", "budget"})
_DAY = 86_400.0
_MARKS = {"due": 7 * _DAY, "told": 7 * _DAY, "delivery": _DAY, "key": _DAY, "worker": _DAY}
"""Kind → how long such a mark says something."""


def keep_house(place: Place, service: Service, now: float) -> int:
    """Drop runs that are older than ``retention.runs``, and marks that nobody asks for any more. How many runs."""
    store = place.store
    if not store.exists():
        return 0
    for kind, seconds in _MARKS.items():
        store.forget_marks(kind, now - seconds)
    oldest = service.retention.runs
    if oldest is None:
        return 0
    with store.reader() as reader:
        old = [
            run.run_id
            for run in reader.list_runs(RunFilter())
            if run.created_at < now - oldest and run.owner is None and run.status not in ("queued", "running")
            if not (run.status == "paused" and run.stop_reason in _WAITS)
        ]
    return store.delete_runs(old) if old else 0
