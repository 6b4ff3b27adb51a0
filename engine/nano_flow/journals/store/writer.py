"""The one thread that writes a run's events: whatever queued up while the disk was busy goes into one commit."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nano_flow.core.errors import StoreError
from nano_flow.core.events import Event
from nano_flow.journals.store import lease
from nano_flow.journals.store.rows import RunKey, batch_of
from nano_flow.journals.store.schema import store_error

TICK_SECONDS = 0.25
"""How long an event that nobody waits for may lie in memory, and how soon a request to cancel is seen."""

_MANY = 1000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Holding:
    """A run that this process owns, in the store at ``path``."""

    path: Path
    run: RunKey
    owner: lease.Owner


class Writer:
    """Takes events from one event loop and writes them in order; the first failure is final."""

    def __init__(
        self, connection: sqlite3.Connection, holding: Holding, seq: int, now: Callable[[], float] = time.time
    ) -> None:
        self.failure: StoreError | None = None
        self.cancel_requested = False
        self._connection = connection
        self._holding = holding
        self._seq = seq
        self._now = now
        self._events: deque[Event] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._renewed_at = now()
        self._thread = threading.Thread(target=self._run, name=f"journal {holding.run.run_id}", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue ``event``; it is written within a tick."""
        if self.failure is not None:
            raise self.failure
        self._events.append(event)
        if len(self._events) > _MANY and not self._wake.is_set():
            self._wake.set()

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
            events = _drain(self._events)
            if self.failure is None:
                self._attempt(events)
            if waiters:
                _tell(waiters, self.failure)
            if closing and not self._events and not self._waiters:
                break
        self._leave()

    def _attempt(self, events: list[Event]) -> None:
        try:
            now = self._now()
            if events or now - self._renewed_at >= lease.HEARTBEAT_SECONDS:
                self._commit(events, now)
            self._look_for_cancel()
        except StoreError as error:
            self.failure = error
        except (sqlite3.Error, OSError, OverflowError) as error:
            self.failure = store_error(self._holding.path, error)
        except Exception as error:
            self.failure = StoreError(str(self._holding.path), f"the run cannot be stored: {error}")

    def _commit(self, events: list[Event], now: float) -> None:
        holding, connection = self._holding, self._connection
        batch = batch_of(holding.run, self._seq, events)
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Also the fence: a process that slept through its lease must not write into what another one took over.
            if not self._still_held(now):
                raise StoreError(
                    str(holding.path), f'run "{holding.run.run_id}" was taken over by another process, or deleted'
                )
            batch.write(connection)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        self._seq += len(events)

    def _still_held(self, now: float) -> bool:
        run_id, owner = self._holding.run.run_id, self._holding.owner
        if now - self._renewed_at < lease.HEARTBEAT_SECONDS:
            return lease.holds(self._connection, run_id, owner)
        self._renewed_at = now
        return lease.renew(self._connection, run_id, owner, now)

    def _look_for_cancel(self) -> None:
        if not self.cancel_requested:
            query = "SELECT cancel_requested_at FROM runs WHERE run_id = ?"
            row = self._connection.execute(query, (self._holding.run.run_id,)).fetchone()
            self.cancel_requested = row is not None and row[0] is not None

    def _leave(self) -> None:
        try:
            lease.release(self._connection, self._holding.run.run_id, self._holding.owner)
        except sqlite3.Error as error:
            self.failure = self.failure or store_error(self._holding.path, error)
        finally:
            self._connection.close()


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
