"""Retention: what is older than service.yaml says goes, except what somebody or something still waits for."""

from __future__ import annotations

from nano_flow.core.calls import TEXTS
from nano_flow.core.errors import StoreError
from nano_flow.core.text import seconds_of
from nano_flow.documents.service import RetentionDocument
from nano_flow.ports.store import Mark, RunFilter, Store

TEXTS_S = seconds_of("30d")
"""How long texts are kept where nothing else is said."""
EVERY_S = 600.0
_HOUSE = Mark("house", "kept", 0.0)
_WAITS = frozenset({"approval", "wait", "budget"})
_DAY = 86_400.0
_MARKS = {"due": 7 * _DAY, "told": 7 * _DAY, "delivery": _DAY, "key": _DAY, "worker": _DAY, "again": 7 * _DAY}
"""Kind → how long such a mark says something."""
_CHARGES_S = 62 * _DAY
"""The longest window of a budget is a month, and a call may be settled in the one after it."""


def keep_house_now_and_then(store: Store, retention: RetentionDocument, now: float) -> int:
    """The same as ``keep_house``, at most every ten minutes, whoever of all processes of a store looks.

    A store that cannot be written now is left to whoever looks next: nobody's run may end of it.
    """
    try:
        if not store.exists():
            return 0
        with store.reader() as reader:
            kept = reader.marks(_HOUSE.kind, (_HOUSE.name,)).get(_HOUSE.name)
        if kept is not None and 0 <= now - kept.at < EVERY_S:
            return 0
        return keep_house(store, retention, now)
    except StoreError:
        return 0


def keep_house(store: Store, retention: RetentionDocument, now: float) -> int:
    """Drop runs and texts that are older than told, and what nobody asks for any more. How many runs."""
    if not store.exists():
        return 0
    store.remember(Mark(_HOUSE.kind, _HOUSE.name, now))
    for kind, seconds in {**_MARKS, TEXTS: TEXTS_S if retention.texts is None else retention.texts}.items():
        store.forget_marks(kind, now - seconds)
    store.forget_charges(now - _CHARGES_S)
    oldest = retention.runs
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
