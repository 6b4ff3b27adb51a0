"""What happens in a store, as metrics: of all runs, whoever runs them."""

from __future__ import annotations

import threading
import time
from collections import Counter

from nano_flow.adapters import event_metrics
from nano_flow.core.errors import DocumentError
from nano_flow.core.text import seconds_of
from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import service_of
from nano_flow.operations.service.spent import budgets_drawn
from nano_flow.ports.store import RunFilter, StoreReader

_LONGEST_RUN_S = seconds_of("30d")
_NANO = 1_000_000_000


class StoreMetrics:
    """Counts what happened in a store since this object was made; each look reads on from the one before.

    Raises UsageError where the extra ``serve`` is not installed. May be looked at from several threads.
    """

    def __init__(self, place: Place, now: float | None = None) -> None:
        self._place = place
        self._since = time.time() if now is None else now
        self._metrics = event_metrics()
        self._read: dict[str, int] = {}
        """Run → the last event that was counted."""
        self._over: set[str] = set()
        self._lock = threading.Lock()

    def text(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its media type. Raises StoreError."""
        with self._lock:
            store = self._place.store
            if store.exists():
                with store.reader() as reader:
                    self._read_on(reader)
            return self._metrics.text()

    def _read_on(self, reader: StoreReader) -> None:
        standing: Counter[str] = Counter()
        for run in reader.list_runs(RunFilter(since=self._since - _LONGEST_RUN_S)):
            if run.status in ("queued", "running", "paused"):
                standing[run.status] += 1
            if run.run_id in self._over or (run.finished_at is not None and run.finished_at < self._since):
                continue
            self._count(reader, run.run_id)
            if run.status in ("succeeded", "failed", "cancelled") and run.owner is None:
                self._over.add(run.run_id)
                self._read.pop(run.run_id, None)
        self._metrics.stand(standing, len(reader.pending_approvals()), self._budgets(reader))

    def _budgets(self, reader: StoreReader) -> dict[str, tuple[float, float]]:
        """Each budget over runs in its present window → US dollars spent or held, and its amount."""
        try:
            service = service_of(self._place)
        except DocumentError:  # while the file is being edited, the last sound look would be yesterday's truth
            return {}
        return {
            drawn.bound.name.removeprefix("the budget of "): (
                (drawn.settled + drawn.held) / _NANO,
                drawn.bound.limit / _NANO,
            )
            for drawn in budgets_drawn(reader, service, time.time())
        }

    def _count(self, reader: StoreReader, run_id: str) -> None:
        for number, event in reader.events_of(run_id, after=self._read.get(run_id, -1)):
            self._read[run_id] = number
            if event.at >= self._since:
                self._metrics.apply(run_id, event)
            else:
                self._metrics.know(run_id, event)
