"""The desk at which a run leaves executions to workers, through its store, and waits for what became of them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nano_flow.core.errors import StepError, StoreError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.core.refs import around
from nano_flow.ports.placed import ANY, HandedIn, PlacedJournal, PlacedRow
from nano_flow.ports.store import Store
from nano_flow.steps.placing import Carriage, PlacedResult

LOOK_S = 2.0
"""How often the store is asked where nobody rings."""
_PAUSE_S = 0.01
_LABELS_S = 1.0
_RETRY_S = 0.5
_PATIENCE = 5 / 6
_GIVE_UP_S = 45.0
"""How long a stopped execution may take to let go: longer than a lease, so that a dead worker has been noticed."""


@dataclass(frozen=True, slots=True)
class Talk:
    """How a run speaks with its store about placed executions.

    ``seal`` writes plain data without secrets (StepError where it quotes what no worker may know), ``unseal`` reads it
    back. ``news`` are events that others wrote of this run's executions, ``notice`` is for people.
    """

    run_id: str
    journal: PlacedJournal
    store: Store
    seal: Callable[[Mapping[str, object]], str]
    unseal: Callable[[str], Mapping[str, Json]]
    news: Callable[[Sequence[Event]], None] | None = None
    notice: Callable[[str, str], None] = lambda address, said: None


@dataclass(slots=True)
class _Waiting:
    label: str
    wait_s: float
    done: asyncio.Future[HandedIn]


@dataclass(slots=True)
class Desk:
    """Carries executions out and results back; a thread of its own listens while something is out."""

    talk: Talk
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    """Address → the number of what was handed in there last: it is not taken for the next answer."""
    _scopes: set[str] = field(default_factory=set)
    _missing: dict[str, float] = field(default_factory=dict)
    _labels: tuple[float, frozenset[str]] = (float("-inf"), frozenset())
    _thread: threading.Thread | None = None
    _at: tuple[int, int] = (-1, -1)
    """The last event, and the last number of what was handed in, that were heard."""
    _looked_at: float = 0.0
    _closed: threading.Event = field(default_factory=threading.Event)
    _failure: StoreError | None = None

    def takes(self, label: str) -> bool:
        """Beyond one machine always; on an embedded store where a worker of this machine has the label."""
        if not self.talk.store.embedded:
            return True
        now = time.monotonic()
        if now - self._labels[0] > _LABELS_S:
            self._labels = (now, self._alive())
        return label in self._labels[1]

    async def execute(self, carriage: Carriage, *, again: bool = False) -> PlacedResult:
        """What a worker made of it; ``again`` where earlier lives may have done something there."""
        placed, talk = carriage.placed, self.talk
        address = str(placed.order.address)
        scope = None
        if carriage.name not in self._scopes:
            scope = talk.seal(carriage.shared())
            self._scopes.add(carriage.name)
        row = PlacedRow(address, placed.label, carriage.name, placed.asked, talk.seal(placed.as_json()))
        self._listen()
        if self._failure is not None:
            raise self._failure
        waiting = _Waiting(placed.label, carriage.wait_s, asyncio.get_running_loop().create_future())
        self._waiting[address] = waiting
        self._numbers.setdefault(address, -1)
        talk.journal.place(row, scope, again=again)
        try:
            handed = await waiting.done
            return self._read(handed)
        except asyncio.CancelledError:
            await self._withdraw(address, waiting, carriage.stop())
            raise
        finally:
            self._waiting.pop(address, None)

    async def shut(self) -> None:
        """Stop listening."""
        self._closed.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _read(self, handed: HandedIn) -> PlacedResult:
        if handed.state == "held":
            raise StepError("cancelled", "its worker was told to stop")
        return PlacedResult.from_json(dict(self.talk.unseal(handed.outcome)))

    async def _withdraw(self, address: str, waiting: _Waiting, how: Mapping[str, Json] | None) -> None:
        """Whoever has it lets go before the run goes on: what it does meanwhile is still the run's."""
        again = _Waiting(waiting.label, float("inf"), asyncio.get_running_loop().create_future())
        self._waiting[address] = again
        self.talk.journal.withdraw(address, json.dumps(how or {"reason": "cancelled", "plain": True}))
        await asyncio.wait([again.done], timeout=_GIVE_UP_S)
        again.done.cancel()

    def _alive(self) -> frozenset[str]:
        return frozenset(label for seat in self.talk.store.placed.seats() for label in seat.labels if label != ANY)

    def _listen(self) -> None:
        if self._thread is None:
            loop = asyncio.get_running_loop()
            name = f"placed {self.talk.run_id}"
            self._thread = threading.Thread(target=self._hear_all, args=(loop,), name=name, daemon=True)
            self._thread.start()

    def _hear_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen until the desk is closed; a store that is away is tried again for nearly as long as a lease."""
        newest: int | None = None
        patience = self.talk.store.placed.lease_s * _PATIENCE
        well = time.monotonic()
        while not self._closed.is_set():
            try:
                watch = self.talk.store.watch()
                try:
                    watch.wait(0.0)
                    if newest is None:
                        newest = self.talk.store.placed.newest(self.talk.run_id)
                        self._at = (newest, newest)
                    while not self._closed.is_set():
                        self._hear(loop)
                        well = time.monotonic()
                        time.sleep(_PAUSE_S)
                        watch.wait(min(LOOK_S, _LABELS_S))
                finally:
                    watch.close()
            except StoreError as error:
                if time.monotonic() - well > patience:
                    self._tell(loop, self._fail, error)
                    return
                time.sleep(_RETRY_S)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        talk, (event, number) = self.talk, self._at
        handed = talk.store.placed.handed_in(talk.run_id, number)
        number = max([number, *(one.number for one in handed)])
        told, event = self._events(event)
        self._at = (event, number)
        self._tell(loop, self._take, told, handed)
        if time.monotonic() - self._looked_at > _LABELS_S:
            self._looked_at = time.monotonic()
            self._tell(loop, self._look_for_workers, self._every_label())

    def _events(self, after: int) -> tuple[list[Event], int]:
        if self.talk.news is None:
            return [], after
        told: list[Event] = []
        with self.talk.store.reader() as reader:
            for number, event in reader.events_of(self.talk.run_id, after):
                told.append(event)
                after = number
        return told, after

    def _every_label(self) -> frozenset[str]:
        return frozenset(label for seat in self.talk.store.placed.seats() for label in seat.labels)

    def _tell(self, loop: asyncio.AbstractEventLoop, call: Callable[..., None], *values: object) -> None:
        try:
            loop.call_soon_threadsafe(call, *values)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            self._closed.set()

    def _take(self, events: Iterable[Event], handed: Iterable[HandedIn]) -> None:
        """Events first: what a result is made of was told before it."""
        if self.talk.news is not None:
            ours = [event for event in events if self._is_placed(getattr(event, "address", ""))]
            if ours:
                self.talk.news(ours)
        for one in handed:
            waiting = self._waiting.get(one.address)
            if waiting is None or waiting.done.done() or self._numbers.get(one.address) == one.number:
                continue
            self._numbers[one.address] = one.number
            waiting.done.set_result(one)

    def _is_placed(self, address: str) -> bool:
        return any(place in self._numbers for place in around(address))

    def _look_for_workers(self, alive: frozenset[str]) -> None:
        now = time.monotonic()
        wanted = {waiting.label for waiting in self._waiting.values()}
        self._missing = {label: since for label, since in self._missing.items() if label in wanted - alive}
        for label in sorted(wanted - alive):
            if label not in self._missing:
                self._missing[label] = now
                self.talk.notice("", f'no worker with the label "{label}" is there: {how_to_start(label)}')
        for address, waiting in self._waiting.items():
            since = self._missing.get(waiting.label)
            if since is not None and now - since >= waiting.wait_s and not waiting.done.done():
                self.talk.journal.withdraw(address, "{}")
                said = f'no worker with the label "{waiting.label}" was there for {waiting.wait_s:g} s'
                waiting.done.set_exception(StepError("no_worker", f"{said}: {how_to_start(waiting.label)}"))

    def _fail(self, error: StoreError) -> None:
        self._failure = error
        for waiting in self._waiting.values():
            if not waiting.done.done():
                waiting.done.set_exception(error)


@dataclass(frozen=True, slots=True)
class AgainDesk:
    """The same desk for whoever goes on with what earlier lives of a run began."""

    desk: Desk

    def takes(self, label: str) -> bool:
        """As the desk says."""
        return self.desk.takes(label)

    async def execute(self, carriage: Carriage) -> PlacedResult:
        """What was done well before serves again; what was begun is gone on with."""
        return await self.desk.execute(carriage, again=True)


def how_to_start(label: str) -> str:
    """The command that would help."""
    return (
        f'start one with "nano-flow worker --labels {label}"' if label != ANY else 'start one with "nano-flow worker"'
    )
