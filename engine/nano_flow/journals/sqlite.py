"""The store of a project: ``.nano-flow/state.db``, the journal of every run in one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from nano_flow.core.errors import StoreError, UsageError
from nano_flow.core.events import Event, TextStreamed
from nano_flow.journals.recorded import REPLAY_KINDS, RecordedFold
from nano_flow.journals.store import approvals, heads, lease
from nano_flow.journals.store.reader import StoreReader, finished_addresses, stored_events
from nano_flow.journals.store.rows import RunKey, batch_of, next_seq
from nano_flow.journals.store.schema import guarded, open_for_reading, open_for_writing
from nano_flow.journals.store.writer import Holding, Writer
from nano_flow.ports import RecordedWork, RunRecord

FILE_NAME = "state.db"


class SqliteJournal:
    """The journal of one run, which this process owns until ``close``."""

    def __init__(self, writer: Writer, work: RecordedWork) -> None:
        self._writer = writer
        self._work = work
        self._closed = False

    @property
    def cancel_requested(self) -> bool:
        """True once somebody asked, from another process, to cancel the run; looked up every quarter of a second."""
        return self._writer.cancel_requested

    def record(self, event: Event) -> None:
        """Write within a quarter of a second. Raises StoreError once an earlier write has failed."""
        if type(event) is not TextStreamed:
            self._writer.put(event)

    async def durable(self, event: Event) -> None:
        """Write and return when it is on disk. Raises StoreError."""
        self._writer.put(event)
        await self._writer.settled()

    async def flush(self) -> None:
        """Return when everything recorded so far is on disk. Raises StoreError."""
        await self._writer.settled()

    def recorded(self) -> RecordedWork:
        """What earlier lives of this run did, as it was when the run was taken over."""
        return self._work

    async def close(self) -> None:
        """Flush, give the lease back, close. Raises StoreError where something could not be written."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.stop)
        if self._writer.failure is not None:
            raise self._writer.failure


class Store:
    """A store on disk; made with ``open_store``."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now

    def create_run(self, record: RunRecord) -> SqliteJournal:
        """Write the head of a new run and own it. Raises StoreError."""
        owner = lease.this_process()
        with self._transaction() as connection:
            heads.insert_head(connection, record)
            lease.take(connection, record.run_id, owner, self._now())
        return self._journal(connection, RunKey(record.run_id, record.workflow), owner, RecordedFold().work())

    def reopen_run(self, run_id: str) -> tuple[RunRecord, SqliteJournal]:
        """Own a run that ended, paused or died. Raises UsageError where there is none or another process has it.

        Calls whose end is unknown get one here: they failed as ``abandoned``, their worst case possibly spent.
        """
        owner, now = lease.this_process(), self._now()
        with self._transaction() as connection:
            record = heads.read_head(connection, run_id)
            if record is None:
                raise UsageError(f'there is no run "{run_id}"; "nano-flow runs list" shows them')
            lease.take(connection, run_id, owner, now)
            fold = RecordedFold()
            for _, event in stored_events(connection, run_id, kinds=REPLAY_KINDS):
                fold.apply(event)
            fold.finished = set(finished_addresses(connection, run_id))
            key = RunKey(run_id, record.workflow)
            answers = approvals.answers(connection, run_id).values()
            unrecorded = [answer for answer in answers if answer.address not in fold.approvals]
            unknown = tuple(fold.open_calls.values())
            closing: list[Event] = [*fold.abandoned(now, simulated=record.simulated), *unrecorded]
            batch_of(key, next_seq(connection, run_id), closing).write(connection)
            for event in closing:
                fold.apply(event)
        return record, self._journal(connection, key, owner, replace(fold.work(), unknown_calls=unknown))

    def change_run(self, record: RunRecord) -> None:
        """Keep the documents and options with which a run goes on. Raises StoreError."""
        with self._transaction() as connection:
            heads.update_head(connection, record)
        connection.close()

    def request_cancel(self, run_id: str) -> None:
        """Ask the process that owns ``run_id`` to cancel it; it sees that within a quarter of a second."""
        with self._transaction() as connection:
            connection.execute("UPDATE runs SET cancel_requested_at = ? WHERE run_id = ?", (self._now(), run_id))
        connection.close()

    def answer_approval(self, run_id: str, answer: approvals.Answer) -> None:
        """Write down what a person decided; the run sees it at once, or when it is resumed. Raises UsageError."""
        with self._transaction() as connection:
            approvals.give(connection, run_id, answer, self._now())
        connection.close()

    def delete_runs(self, run_ids: list[str], *, ledger: bool = False) -> int:
        """Delete runs that nobody works on; their spend stays in the ledger unless ``ledger``. How many it were."""
        deleted = 0
        with self._transaction() as connection:
            for run_id in run_ids:
                row = connection.execute(f"SELECT {lease.OWNER_COLUMNS} FROM runs WHERE run_id = ?", (run_id,))
                head = row.fetchone()
                if head is None or lease.holder(head, self._now()) is not None:
                    continue
                deleted += 1
                for table in ("runs", "events", "approvals", *(("ledger",) if ledger else ())):
                    connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))
        connection.close()
        return deleted

    def compact(self) -> None:
        """Give the space of deleted runs back to the disk; left for later where somebody writes meanwhile."""
        with guarded(self.path):
            connection = open_for_writing(self.path)
            try:
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
            finally:
                connection.close()

    def reader(self) -> StoreReader:
        """A view that changes nothing; close it, or use it in a ``with`` statement. Raises StoreError."""
        return StoreReader(self.path, open_for_reading(self.path), self._now)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction; it is committed at the end and left open, or closed after an error."""
        with guarded(self.path), ExitStack() as stack:
            connection = open_for_writing(self.path)
            stack.callback(connection.close)
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except ValueError as error:
                raise StoreError(str(self.path), f"the run cannot be read or stored: {error}") from error
            connection.execute("COMMIT")
            stack.pop_all()

    def _journal(
        self, connection: sqlite3.Connection, key: RunKey, owner: lease.Owner, work: RecordedWork
    ) -> SqliteJournal:
        seq = next_seq(connection, key.run_id)
        return SqliteJournal(Writer(connection, Holding(self.path, key, owner), seq, self._now), work)


def open_store(state_dir: Path | str, now: Callable[[], float] = time.time) -> Store:
    """The store in ``state_dir``; nothing is made before the first run is."""
    return Store(Path(state_dir) / FILE_NAME, now)
