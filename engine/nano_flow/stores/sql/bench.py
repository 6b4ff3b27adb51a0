"""Implements ``ports.placed.PlacedStore`` on a store of SQL."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from nano_flow.ports import RecordedWork
from nano_flow.ports.placed import Claimed, HandedIn, Seat, StopOrder
from nano_flow.stores.recorded import REPLAY_KINDS, RecordedFold
from nano_flow.stores.sql import lease
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.journal import SqlJournal
from nano_flow.stores.sql.placed import seats
from nano_flow.stores.sql.placed.changes import Handing, write_changes
from nano_flow.stores.sql.placed.holds import Seated
from nano_flow.stores.sql.reading.reader import finished_addresses, stored_events
from nano_flow.stores.sql.rows import RunKey, next_seq
from nano_flow.stores.sql.writer import Writer


class _Opens(Protocol):
    def opened(self) -> Database:
        """A connection that writes."""

    def opened_for_reading(self) -> Database:
        """A connection for questions."""


class SqlPlaced:
    """The placed executions of one store."""

    def __init__(self, store: _Opens) -> None:
        self._store = store
        self._kept: Database | None = None
        self._lock = threading.Lock()

    @property
    def lease_s(self) -> float:
        """How long a seat is held without being renewed."""
        return lease.LEASE_SECONDS

    def enlist(self, name: str, labels: Collection[str], runs: int) -> str:
        """A seat for this process; its token."""
        with self._changing() as database:
            return seats.enlist(database, name, labels, runs)

    def renew(self, token: str) -> bool:
        """Hold on to the seat; False where it was taken away."""
        with self._changing() as database:
            return seats.renew(database, token)

    def leave(self, token: str) -> None:
        """Give the seat back; what it still has is done by others."""
        with self._changing() as database:
            seats.leave(database, token)

    def seats(self) -> list[Seat]:
        """The workers that are alive."""
        with self._reading() as database:
            return seats.seats(database)

    def claim(self, token: str, labels: Collection[str], most: int) -> list[Claimed]:
        """Take up to ``most`` executions."""
        with self._changing() as database:
            return seats.claim(database, token, labels, most)

    def give_back(self, token: str, claimed: Claimed) -> None:
        """Let others do an execution of the seat, where it still has that."""
        with self._changing() as database:
            seats.give_back(database, token, claimed)

    def refuse(self, token: str, claimed: Claimed, outcome: str) -> None:
        """Hand in the failure of an execution that could not even be begun."""
        with self._changing() as database:
            failed = Handing(claimed.address, "done", outcome, good=False, token=token)
            write_changes(database, claimed.run_id, [failed], next_seq(database, claimed.run_id) - 1)

    def stops(self, token: str) -> list[StopOrder]:
        """Which of the seat's executions are to be stopped."""
        with self._reading() as database:
            return seats.stops(database, token)

    def sweep(self) -> list[str]:
        """Take away the seats of workers that are gone; their names."""
        with self._changing() as database:
            return seats.sweep(database)

    def scope(self, run_id: str, name: str) -> str:
        """The body of a scope."""
        with self._reading() as database:
            return seats.scope(database, run_id, name)

    def handed_in(self, run_id: str, after: int) -> list[HandedIn]:
        """What was handed in with a number of ``after`` or more."""
        with self._reading() as database:
            return seats.handed_in(database, run_id, after)

    def newest(self, run_id: str) -> int:
        """The number of the run's last event; -1 where there is none."""
        with self._reading() as database:
            return next_seq(database, run_id) - 1

    def forget(self, run_id: str, addresses: Sequence[str] | None = None) -> None:
        """Drop what is known of placed executions of a run: of all, or of some."""
        with self._changing() as database:
            seats.forget(database, run_id, addresses)

    def known(self, run_id: str) -> list[str]:
        """The addresses of all placed executions of a run."""
        with self._reading() as database:
            return seats.known(database, run_id)

    def journal(self, run_id: str, workflow: str, token: str) -> SqlJournal:
        """Writes events of a run under the fence of a seat."""
        database, key = self._store.opened(), RunKey(run_id, workflow)
        try:
            with database.guarded():
                seq = next_seq(database, run_id)
        except BaseException:
            database.close()
            raise
        journal = SqlJournal(Writer(database, Seated(key, token), seq), RecordedFold().work())
        journal.share()
        return journal

    def past(self, run_id: str, address: str) -> tuple[RecordedWork, int]:
        """What earlier lives did at and below ``address``, and the last event that was looked at."""
        fold, newest = RecordedFold(), -1
        with self._reading() as database:
            for seq, event in stored_events(database, run_id, kinds=REPLAY_KINDS):
                newest = seq
                place = getattr(event, "address", "")
                if not place or place == address or place.startswith((f"{address}.", f"{address}[")):
                    fold.apply(event)
            fold.finished = set(finished_addresses(database, run_id))
        return fold.work(), newest

    def close(self) -> None:
        """Let its connection go."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    @contextmanager
    def _changing(self) -> Iterator[Database]:
        """A transaction on one connection that is kept: a worker asks many times a second."""
        with self._lock:
            database, self._kept = self._kept or self._store.opened(), None
            try:
                with database.guarded(), database.transaction():
                    yield database
            except BaseException:
                database.close()
                raise
            self._kept = database

    @contextmanager
    def _reading(self) -> Iterator[Database]:
        database = self._store.opened_for_reading()
        try:
            with database.guarded():
                yield database
        finally:
            database.close()
