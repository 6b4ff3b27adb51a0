"""What readers of the store may ask, while runs go on writing it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from nano_flow.core.errors import StoreError
from nano_flow.core.events import ApprovalAnswered, Event
from nano_flow.core.messages import Json
from nano_flow.journals.codec import EventRow, decode_event
from nano_flow.journals.store import approvals, heads, runs
from nano_flow.journals.store import spend as sums
from nano_flow.journals.store.observed import ObservedRow, observed
from nano_flow.journals.store.schema import guarded
from nano_flow.journals.store.spend import Grouping, SpendRow, UnpricedRow
from nano_flow.ports import RunRecord

ALL_RUNS = runs.RunFilter()


class StoreReader:
    """Questions to one store. Every answer is of the moment it was asked in; every method may raise StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection, now: Callable[[], float]) -> None:
        self._path = path
        self._connection = connection
        self._connection.row_factory = sqlite3.Row
        self._now = now

    def list_runs(self, wanted: runs.RunFilter = ALL_RUNS) -> list[runs.RunSummary]:
        """Runs, newest first."""
        with self._guarded():
            return runs.list_runs(self._connection, wanted, self._now())

    def find_run(self, name: str) -> runs.RunSummary:
        """The run that ``name`` (an id, a unique prefix, ``last``) means. Raises UsageError."""
        with self._guarded():
            return runs.find_run(self._connection, name, self._now())

    def run_record(self, run_id: str) -> RunRecord | None:
        """The head of a run, with its documents."""
        with self._guarded():
            return heads.read_head(self._connection, run_id)

    def events_of(
        self, run_id: str, after: int = -1, kinds: Collection[type[Event]] | None = None
    ) -> Iterator[tuple[int, Event]]:
        """The events of a run with their numbers, of all ``kinds`` or some, from the one after ``after`` on."""
        names = None if kinds is None else [kind.__name__ for kind in kinds]
        with self._guarded():
            yield from stored_events(self._connection, run_id, after, names)

    def spend(self, by: Grouping, since: float | None = None) -> list[SpendRow]:
        """Sums of the ledger by workflow, step, model, provider, day or run."""
        with self._guarded():
            return sums.spend(self._connection, by, since)

    def unpriced(self, since: float | None = None) -> list[UnpricedRow]:
        """Calls without a price."""
        with self._guarded():
            return sums.unpriced(self._connection, since)

    def ledger(self, run_id: str | None = None, since: float | None = None) -> Iterator[dict[str, Json]]:
        """The rows of the ledger, oldest first."""
        with self._guarded():
            yield from sums.ledger_rows(self._connection, run_id, since)

    def observed(self, before: float) -> list[ObservedRow]:
        """How long the newest calls before ``before`` took and how much they wrote, by model."""
        with self._guarded():
            return observed(self._connection, before)

    def pending_approvals(self, run_id: str | None = None) -> list[approvals.Question]:
        """Questions that wait for an answer."""
        with self._guarded():
            return approvals.pending(self._connection, run_id)

    def approval_answers(self, run_id: str) -> dict[str, ApprovalAnswered]:
        """What was decided in a run, by address."""
        with self._guarded():
            return approvals.answers(self._connection, run_id)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def __enter__(self) -> StoreReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with guarded(self._path):
            try:
                yield
            except ValueError as error:
                raise StoreError(str(self._path), f"the store holds damaged data: {error}") from error


def finished_addresses(connection: sqlite3.Connection, run_id: str) -> list[str]:
    """The addresses whose last execution succeeded."""
    rows = connection.execute(
        "SELECT address, kind, MAX(seq) FROM events WHERE run_id = ?"
        " AND kind IN ('StepStarted', 'StepFinished', 'StepFailed') GROUP BY address",
        (run_id,),
    )
    return [address for address, kind, _ in rows if kind == "StepFinished"]


def stored_events(
    connection: sqlite3.Connection, run_id: str, after: int = -1, kinds: Collection[str] | None = None
) -> Iterator[tuple[int, Event]]:
    """The events of a run with their numbers, of all ``kinds`` or some. Raises ValueError for damaged data."""
    wanted = "" if kinds is None else f" AND kind IN ({','.join('?' * len(kinds))})"
    rows = connection.execute(
        f"SELECT seq, kind, address, at, body FROM events WHERE run_id = ? AND seq > ?{wanted} ORDER BY seq",
        (run_id, after, *(kinds or ())),
    )
    for seq, kind, address, at, body in rows:
        try:
            event = decode_event(EventRow(kind, address, at, body))
        except ValueError as error:
            raise ValueError(f"event {seq} of run {run_id} is damaged, {error}") from error
        if event is not None:
            yield seq, event
