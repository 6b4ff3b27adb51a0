"""The one thread that writes a run's events: whatever queued up while the disk was busy goes into one commit."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TypeVar

from nano_flow.clock import boot_time
from nano_flow.core.errors import StoreError
from nano_flow.core.events import Event
from nano_flow.core.secrets.masks import Masks
from nano_flow.stores.sql import lease
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.placed.changes import Change, write_changes
from nano_flow.stores.sql.placed.holds import Hold
from nano_flow.stores.sql.rows import batch_of, next_seq
from nano_flow.stores.sql.texts import Texts

TICK_SECONDS = 0.25
"""How long an event that nobody waits for may lie in memory, and how soon a request to cancel is seen."""

_MANY = 1000
_SURE = 2 / 3
"""The part of a lease for which its holder may act without having seen it."""
_T = TypeVar("_T")


class Writer:
    """Takes events from one event loop and writes them in order; the first failure is final."""

    def __init__(self, database: Database, holding: Hold, seq: int) -> None:
        self.failure: StoreError | None = None
        self.cancel_requested = False
        self.shared = False
        """True where other processes write events of the run, too: they are numbered when they are written."""
        self._database = database
        self.holding = holding
        self._seq = seq
        self._events: deque[tuple[Event, Masks]] = deque()
        self._changes: deque[Change] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._texts = Texts()
        self._renewed_at = database.now()
        self._confirmed_at = boot_time()
        self._thread = threading.Thread(target=self._run, name=f"journal {holding.run.run_id}", daemon=True)
        self._thread.start()

    def put(self, event: Event, masks: Masks = ()) -> None:
        """Queue ``event``; it is written within a tick."""
        if self.failure is not None:
            raise self.failure
        self._events.append((event, masks))
        if len(self._events) > _MANY and not self._wake.is_set():
            self._wake.set()

    def change(self, change: Change) -> None:
        """Queue what is written with the next commit, after all events that were put before it."""
        if self.failure is not None:
            raise self.failure
        self._changes.append(change)
        if not self._wake.is_set():
            self._wake.set()

    def check_sure(self) -> None:
        """Raise StoreError where the lease was last seen too long ago: this process, or its machine, stood still."""
        if boot_time() - self._confirmed_at > lease.LEASE_SECONDS * _SURE:
            said = "this process stood still for almost as long as its lease: nothing more is sent or paid"
            raise StoreError(self._database.place, said)

    def settled(self) -> asyncio.Future[None]:
        """A future that is done when all that was put so far is on disk."""
        if self.failure is not None:
            raise self.failure
        future = asyncio.get_running_loop().create_future()
        # After its events: the thread counts waiters first, so whoever it counts has everything queued.
        self._waiters.append(future)
        if not self._wake.is_set():
            self._wake.set()
        return future

    def stop(self) -> None:
        """End the thread after what is queued, give the run back, and close the connection. Blocks."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()
            closing = self._closing
            waiters = _drain(self._waiters)
            changes = _drain(self._changes)  # before the events: what comes with a change is in the queue by then
            events = _drain(self._events)
            if self.failure is None:
                self._attempt(events, changes)
            if waiters:
                _tell(waiters, self.failure)
            if closing and not (self._events or self._waiters or self._changes):
                break
        self._leave()

    def _attempt(self, events: list[tuple[Event, Masks]], changes: list[Change]) -> None:
        lost = False
        while True:
            try:
                now = self._database.now()
                if lost and self._arrived(events):
                    self._seq += len(events)
                elif events or changes or now - self._renewed_at >= lease.HEARTBEAT_SECONDS:
                    self._commit(events, changes, now)
                self._look_for_cancel()
                return
            except StoreError as error:
                self.failure = error
                return
            except Exception as error:
                lost = self._database.recovered(error)
                self._texts.forget()  # what was taken may not have arrived
                if not lost:
                    self.failure = self._database.told(error)
                    return

    def _arrived(self, events: list[tuple[Event, Masks]]) -> bool:
        """After a connection was lost: whether the commit that was under way holds. It is all there, or nothing."""
        if not events:
            return False
        first = batch_of(self.holding.run, self._seq, events[:1]).events[0]
        query = "SELECT kind, address, at, body FROM events WHERE run_id = ? AND seq = ?"
        row = self._database.execute(query, (self.holding.run.run_id, self._seq)).fetchone()
        return row is not None and (row[0], row[1], row[2], row[3]) == tuple(first[2:])

    def _commit(self, events: list[tuple[Event, Masks]], changes: list[Change], now: float) -> None:
        holding, database = self.holding, self._database
        run_id, asked_at = holding.run.run_id, boot_time()
        batch = batch_of(holding.run, self._seq, events, self._texts)
        renew = now - self._renewed_at >= lease.HEARTBEAT_SECONDS
        with database.transaction():
            # Also the fence: a process that slept through its lease must not write into what another one took over.
            if not holding.held(database, now, renew=renew):
                raise StoreError(database.place, f'run "{run_id}" was taken over by another process, or deleted')
            if self.shared:
                self._seq = batch.numbered_from(next_seq(database, run_id))
            batch.write(database)
            if changes:
                write_changes(database, run_id, changes, self._seq + len(events) - 1)
        self._confirmed_at = asked_at
        if renew:
            self._renewed_at = now
        self._seq += len(events)

    def _look_for_cancel(self) -> None:
        if not self.cancel_requested:
            self.cancel_requested = self.holding.cancelled(self._database)

    def _leave(self) -> None:
        try:
            with self._database.guarded():
                self.holding.release(self._database)
        except StoreError as error:
            self.failure = self.failure or error
        finally:
            self._database.close()


def _drain(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(len(queue))]


def _tell(waiters: list[asyncio.Future[None]], failure: StoreError | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiter in waiters:
        by_loop.setdefault(waiter.get_loop(), []).append(waiter)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, futures, failure)
        except RuntimeError:
            # The loop was closed meanwhile: nobody waits any more.
            continue


def _resolve(futures: list[asyncio.Future[None]], failure: StoreError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
