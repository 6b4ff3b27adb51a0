"""What readers of the store may ask, while runs go on writing it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from nano_flow.core.errors import StoreError
from nano_flow.core.events import ApprovalAnswered, Event
from nano_flow.core.messages import Json
from nano_flow.core.secrets.masks import Lookup
from nano_flow.ports import RunRecord
from nano_flow.ports.budgets import Bound, Drawn
from nano_flow.ports.store import (
    ALL_RUNS,
    DayRow,
    Grouping,
    Mark,
    ObservedRow,
    OpenQuestion,
    RunFilter,
    RunSummary,
    SpendRow,
    UnpricedRow,
)
from nano_flow.stores.codec import EventRow, decode_event
from nano_flow.stores.sql import charges, heads, marks, texts
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.reading import approvals, runs
from nano_flow.stores.sql.reading import spend as sums
from nano_flow.stores.sql.reading.observed import observed
from nano_flow.stores.sql.rows import column


class SqlReader:
    """Questions to one store. Every answer is of the moment it was asked in; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_runs(self, wanted: RunFilter = ALL_RUNS) -> list[RunSummary]:
        """Runs, newest first."""
        with self._guarded():
            return runs.list_runs(self._database, wanted, self._database.now())

    def find_run(self, name: str) -> RunSummary:
        """The run that ``name`` (an id, a unique prefix, ``last``) means. Raises UsageError."""
        with self._guarded():
            return runs.find_run(self._database, name, self._database.now())

    def run_record(self, run_id: str, lookup: Lookup | None = None) -> RunRecord | None:
        """The head of a run, with its documents."""
        with self._guarded():
            return heads.read_head(self._database, run_id, lookup)

    def events_of(
        self,
        run_id: str,
        after: int = -1,
        kinds: Collection[type[Event]] | None = None,
        *,
        address: str | None = None,
    ) -> Iterator[tuple[int, Event]]:
        """The events of a run, of all ``kinds`` or some, of all executions or one, from the one after ``after`` on."""
        names = None if kinds is None else [kind.__name__ for kind in kinds]
        with self._guarded():
            yield from stored_events(self._database, run_id, after, names, address=address)

    def spend(self, by: Grouping, since: float | None = None) -> list[SpendRow]:
        """Sums of the ledger by workflow, step, model, provider, day or run."""
        with self._guarded():
            return sums.spend(self._database, by, since)

    def spend_by_day(self, by: Grouping, since: float | None = None) -> list[DayRow]:
        """Spend of each group on each day on which it had any, by day and group."""
        with self._guarded():
            return sums.spend_by_day(self._database, by, since)

    def unpriced(self, since: float | None = None) -> list[UnpricedRow]:
        """Calls without a price."""
        with self._guarded():
            return sums.unpriced(self._database, since)

    def ledger(self, run_id: str | None = None, since: float | None = None) -> Iterator[dict[str, Json]]:
        """The rows of the ledger, oldest first."""
        with self._guarded():
            yield from sums.ledger_rows(self._database, run_id, since)

    def observed(self, before: float) -> list[ObservedRow]:
        """How long the newest calls before ``before`` took and how much they wrote, by model."""
        with self._guarded():
            return observed(self._database, before)

    def marks(self, kind: str, names: Collection[str] | None = None) -> dict[str, Mark]:
        """The marks of ``kind``, by name: all, or those of ``names``."""
        with self._guarded():
            return marks.find(self._database, kind, names)

    def drawn(self, bounds: Sequence[Bound]) -> list[Drawn]:
        """What each bound has so far."""
        with self._guarded():
            return [charges.drawn(self._database, bound) for bound in bounds]

    def pending_approvals(self, run_id: str | None = None) -> list[OpenQuestion]:
        """Questions that wait for an answer."""
        with self._guarded():
            return approvals.pending(self._database, run_id)

    def approval_answers(self, run_id: str, lookup: Lookup | None = None) -> dict[str, ApprovalAnswered]:
        """What was decided in a run, by address."""
        with self._guarded():
            return approvals.answers(self._database, run_id, lookup)

    def texts(self, digests: Collection[str]) -> dict[str, str]:
        """What was said to models, by digest; what was dropped is not there."""
        with self._guarded():
            return texts.read(self._database, digests)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def __enter__(self) -> SqlReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._database.guarded():
            try:
                yield
            except ValueError as error:
                raise StoreError(self._database.place, f"the store holds damaged data: {error}") from error


def finished_addresses(database: Database, run_id: str) -> list[str]:
    """The addresses whose last execution succeeded."""
    rows = database.execute(
        "SELECT address, kind FROM events JOIN (SELECT address, max(seq) AS seq FROM events WHERE run_id = ?"
        " AND kind IN ('StepStarted', 'StepFinished', 'StepFailed') GROUP BY address) AS lasts USING (address, seq)"
        " WHERE run_id = ?",
        (run_id, run_id),
    )
    return [address for address, kind in rows if kind == "StepFinished"]


def stored_events(
    database: Database,
    run_id: str,
    after: int = -1,
    kinds: Collection[str] | None = None,
    lookup: Lookup | None = None,
    address: str | None = None,
) -> Iterator[tuple[int, Event]]:
    """The events of a run with their numbers, of all ``kinds`` or some. Raises ValueError for damaged data."""
    wanted = "" if kinds is None else f" AND kind IN ({','.join('?' * len(kinds))})"
    there = "" if address is None else " AND address = ?"
    rows = database.execute(
        f"SELECT seq, kind, address, at, body FROM events WHERE run_id = ? AND seq > ?{wanted}{there} ORDER BY seq",
        (run_id, after, *(kinds or ()), *(() if address is None else (column(address),))),
    )
    for seq, kind, where, at, body in rows:
        try:
            event = decode_event(EventRow(kind, where, at, body), lookup)
        except ValueError as error:
            raise ValueError(f"event {seq} of run {run_id} is damaged, {error}") from error
        if event is not None:
            yield seq, event
