"""Runs in a database of SQL: how they are made, taken over, changed and deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from nano_flow.core.calls import TEXTS
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.core.events import Event, PromptSent
from nano_flow.core.secrets.masks import Lookup, Masks
from nano_flow.ports import RecordedWork, RunRecord
from nano_flow.ports.budgets import Bound, Charge, Drawn
from nano_flow.ports.store import Answer, Mark, RunSummary, Store, StoreWatch
from nano_flow.ports.whole import StoredRow, StoreFacts
from nano_flow.stores.codec import EventRow, decode_event
from nano_flow.stores.recorded import REPLAY_KINDS, RecordedFold
from nano_flow.stores.sql import charges, heads, lease, marks, texts, whole
from nano_flow.stores.sql.bench import SqlPlaced
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.journal import SqlJournal
from nano_flow.stores.sql.placed import seats
from nano_flow.stores.sql.placed.holds import Ownership
from nano_flow.stores.sql.reading import approvals
from nano_flow.stores.sql.reading.reader import SqlReader, finished_addresses, stored_events
from nano_flow.stores.sql.rows import RunKey, batch_of, next_seq
from nano_flow.stores.sql.writer import Writer


class SqlStore(ABC):
    """The runs of one database; each kind of database says how it is opened."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Its path or address, for people."""

    @abstractmethod
    def exists(self) -> bool:
        """False where nothing was ever written."""

    @abstractmethod
    def opened(self) -> Database:
        """A connection that writes; the store is made or brought to this version where needed. Raises StoreError."""

    @abstractmethod
    def opened_for_reading(self) -> Database:
        """A connection for questions. Raises StoreError where there is no store yet."""

    @abstractmethod
    def compact(self) -> None:
        """Give the space of deleted runs back, where that can be done now."""

    @abstractmethod
    def watch(self) -> StoreWatch:
        """Notices what others write."""

    def create_run(self, record: RunRecord) -> SqlJournal:
        """Write the head of a new run and own it. Raises StoreError."""
        owner = lease.this_process()
        with self._transaction() as database:
            heads.insert_head(database, record)
            lease.take(database, record.run_id, owner, database.now())
        return _journal(database, RunKey(record.run_id, record.workflow), owner, RecordedFold().work())

    def queue_run(self, record: RunRecord, marked: Sequence[Mark] = ()) -> Mark | None:
        """Write the head of a run that nobody owns yet, and its marks, or nothing. Raises StoreError."""
        with self._transaction() as database:
            # Those after one that was there already are not even tried: the mark that must be new comes first.
            taken = next((there for mark in marked if (there := marks.put(database, mark)) != mark), None)
            if taken is None:
                heads.insert_head(database, record)
                database.announce()
        database.close()
        return taken

    def requeue_run(self, run_id: str) -> bool:
        """Let whoever works on this store go on with a run that nobody owns; False where somebody does."""
        with self._transaction() as database:
            query = f"SELECT {lease.OWNER_COLUMNS} FROM runs WHERE run_id = ? {database.locking}"
            row = database.execute(query, (run_id,)).fetchone()
            free = row is not None and lease.holder(row, database.now()) is None
            if free:
                database.execute(
                    "UPDATE runs SET status = 'queued', cancel_requested_at = NULL, owner_token = NULL"
                    " WHERE run_id = ?",
                    (run_id,),
                )
                database.announce()
        database.close()
        return free

    def mark(self, mark: Mark) -> Mark:
        """Keep ``mark`` unless there is one of its kind and name already. Which one is there now."""
        with self._transaction() as database:
            there = marks.put(database, mark)
        database.close()
        return there

    def remember(self, mark: Mark) -> None:
        """Keep ``mark`` in the place of what was there."""
        with self._transaction() as database:
            marks.replace(database, mark)
        database.close()

    def forget_marks(self, kind: str, before: float) -> int:
        """Drop the marks of ``kind`` from before then. How many it were."""
        with self._transaction() as database:
            gone = texts.drop(database, before) if kind == TEXTS else marks.forget(database, kind, before)
        database.close()
        return gone

    def forget_charges(self, before: float) -> int:
        """Drop the charges from before then. How many it were."""
        with self._transaction() as database:
            gone = charges.forget(database, before)
        database.close()
        return gone

    def reopen_run(
        self, run_id: str, lookup: Lookup | None = None, seen: RunSummary | None = None
    ) -> tuple[RunRecord, SqlJournal]:
        """Own a run that ended, paused or died. Raises UsageError where there is none or another process has it.

        Raises RunTaken where it is not any more as it was ``seen``: several who look at once must not all do it.
        Calls whose end is unknown get one here: they failed as ``abandoned``, their worst case possibly spent.
        """
        owner = lease.this_process()
        with self._transaction() as database:
            now = database.now()
            record = heads.read_head(database, run_id, lookup)
            if record is None:
                raise UsageError(f'there is no run "{run_id}"; "nano-flow runs list" shows them')
            if seen is not None:
                lease.check_unchanged(database, seen)
            lease.take(database, run_id, owner, now)
            fold = RecordedFold()
            for _, event in stored_events(database, run_id, kinds=REPLAY_KINDS, lookup=lookup):
                fold.apply(event)
            fold.finished = set(finished_addresses(database, run_id))
            key = RunKey(run_id, record.workflow)
            answers = approvals.kept_answers(database, run_id)
            unrecorded = [(answer, masks) for answer, masks in answers if not fold.is_answered(answer.address)]
            fold.leave_open(seats.taken(database, run_id))
            unknown = tuple(fold.open_calls.values())
            lost = fold.abandoned(now, simulated=record.simulated)
            closing: list[tuple[Event, Masks]] = [*((event, ()) for event in lost), *unrecorded]
            batch_of(key, next_seq(database, run_id), closing).write(database)
            for event in lost:
                fold.apply(event)
            for answer, masks in unrecorded:
                fold.apply(approvals.with_secrets(answer, masks, lookup))
        return record, _journal(database, key, owner, replace(fold.work(), unknown_calls=unknown))

    def charge(self, charge: Charge, bounds: Sequence[Bound]) -> tuple[bool, list[Drawn]]:
        """Set a charge aside in all bounds, or in none: whether it fits, and what each bound had before."""
        with self._transaction() as database:
            found = charges.put(database, charge, bounds)
        database.close()
        return found

    def settle_charge(self, charge: Charge) -> None:
        """What the call cost takes the place of what was set aside for it."""
        with self._transaction() as database:
            charges.settle(database, charge)
        database.close()

    def change_run(self, record: RunRecord) -> None:
        """Keep the documents and options with which a run goes on. Raises StoreError."""
        with self._transaction() as database:
            heads.update_head(database, record)
        database.close()

    def request_cancel(self, run_id: str) -> None:
        """Ask the process that owns ``run_id`` to cancel it; it sees that within a quarter of a second."""
        with self._transaction() as database:
            database.execute("UPDATE runs SET cancel_requested_at = ? WHERE run_id = ?", (database.now(), run_id))
        database.close()

    def answer_approval(self, run_id: str, answer: Answer) -> None:
        """Write down what a person decided; the run sees it at once, or when it is resumed. Raises UsageError."""
        with self._transaction() as database:
            approvals.give(database, run_id, answer, database.now())
        database.close()

    def delete_runs(self, run_ids: list[str], *, ledger: bool = False) -> int:
        """Delete runs that nobody works on; their spend stays in the ledger unless ``ledger``. How many it were."""
        deleted = 0
        with self._transaction() as database:
            for run_id in run_ids:
                row = database.execute(f"SELECT {lease.OWNER_COLUMNS} FROM runs WHERE run_id = ?", (run_id,))
                head = row.fetchone()
                if head is None or lease.holder(head, database.now()) is not None:
                    continue
                deleted += 1
                for table in ("runs", "events", "approvals", "placed", "scopes", *(("ledger",) if ledger else ())):
                    database.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))
            if deleted:
                texts.drop_unused(database, _prompts(database))
        database.close()
        return deleted

    def reader(self) -> SqlReader:
        """A view that changes nothing; close it, or use it in a ``with`` statement. Raises StoreError."""
        return SqlReader(self.opened_for_reading())

    @property
    def placed(self) -> SqlPlaced:
        """The executions that runs leave to workers, and those workers."""
        return SqlPlaced(self)

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of its database."""

    @abstractmethod
    def measured(self, database: Database) -> tuple[int, int]:
        """Its version, and its size in bytes."""

    def damage(self, database: Database) -> Iterator[str]:
        """What the database itself finds wrong with its file, where it can look."""
        yield from ()

    def facts(self) -> StoreFacts:
        """What it is and holds. Raises StoreError where there is no store yet."""
        database = self.opened_for_reading()
        try:
            with database.guarded():
                version, size = self.measured(database)
                return StoreFacts(
                    self.kind, self.place, version, whole.counts(database), size, tuple(whole.owned(database))
                )
        finally:
            database.close()

    def faults(self) -> Iterator[str]:
        """What is wrong with it, one sentence each."""
        database = self.opened_for_reading()
        try:
            with database.guarded():
                yield from self.damage(database)
                yield from whole.faults(database)
        finally:
            database.close()

    def rows(self) -> Iterator[StoredRow]:
        """All that another store needs to be like this one."""
        database = self.opened_for_reading()
        try:
            with database.guarded():
                yield from whole.read_rows(database)
        finally:
            database.close()

    def fill(self, source: Store) -> StoreFacts:
        """Add all that ``source`` holds and this store does not. Raises StoreError where something did not arrive."""
        before = source.facts()
        database = self.opened()
        try:
            with database.guarded():
                whole.write_rows(database, source.rows())
                whole.check_arrival(database, before)
        finally:
            database.close()
        return self.facts()

    @contextmanager
    def _transaction(self) -> Iterator[Database]:
        """A connection in a transaction; it is committed at the end and left open, or closed after an error."""
        database = self.opened()
        with ExitStack() as stack:
            stack.callback(database.close)
            with database.guarded(), database.transaction():
                try:
                    yield database
                except ValueError as error:
                    raise StoreError(self.place, f"the run cannot be read or stored: {error}") from error
            stack.pop_all()


def _journal(database: Database, key: RunKey, owner: lease.Owner, work: RecordedWork) -> SqlJournal:
    with database.guarded():
        seq = next_seq(database, key.run_id)
    return SqlJournal(Writer(database, Ownership(key, owner), seq), work)


def _prompts(database: Database) -> Iterator[PromptSent]:
    """What the runs that are left said to models."""
    for row in database.execute("SELECT kind, address, at, body FROM events WHERE kind = 'PromptSent'").fetchall():
        event = decode_event(EventRow(row[0], row[1], row[2], row[3]))
        if isinstance(event, PromptSent):
            yield event
