"""A worker at its seat: it takes placed executions, does them, and hands in what became of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from nano_flow.clock import boot_time
from nano_flow.core.errors import NanoFlowError, StoreError
from nano_flow.core.outcomes import Failed, Failure
from nano_flow.operations.place import Place
from nano_flow.parts import Surroundings
from nano_flow.placed import Session
from nano_flow.ports.placed import Claimed, PlacedStore
from nano_flow.project.service.reading import service_in_force
from nano_flow.runtime.execution.placed import read_stop
from nano_flow.steps.placing import PlacedResult
from nano_flow.tools.processes.tree import ProcessTree

STEPS = 64
"""Placed steps that a worker does at a time, unless it is told."""
_RENEWALS, _SWEEPS = 6, 3
"""In the time of a lease."""
_STOPS_S = 0.25
_IDLE_S = 30.0
_UNSURE = 2 / 3
"""A worker that could not renew its seat for this part of a lease stops what it does: others may soon do the same."""


@dataclass(slots=True)
class PlacedWorker:
    """Does steps that runs of the store leave to workers with one of ``labels``."""

    place: Place
    name: str
    labels: tuple[str, ...] = ()
    runs: int = 1
    most: int = STEPS
    tree: ProcessTree = field(default_factory=ProcessTree)
    tell: Callable[[str], None] = lambda line: None
    taken: int = 0
    """How many executions it has taken so far."""
    ring: Callable[[], None] = lambda: None
    """Has somebody look soon."""
    _free: int = 0
    _placed: PlacedStore | None = None
    _token: str = ""
    _renewed: float = 0.0
    _swept: float = 0.0
    _asked: float = 0.0
    _leaving: bool = False
    _returns: list[tuple[str, Claimed]] = field(default_factory=list)
    """What it could not do, for its store was away, and gives back as soon as that is there again."""
    _sessions: dict[str, asyncio.Task[Session]] = field(default_factory=dict)
    _lives: dict[str, str] = field(default_factory=dict)
    _used: dict[str, float] = field(default_factory=dict)
    _tasks: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether it has something in hand."""
        return bool(self._tasks)

    @property
    def seated(self) -> bool:
        """Whether it may take something now."""
        return bool(self._token) and not self._leaving

    def leave(self) -> None:
        """Take nothing more."""
        self._leaving = True

    async def look(self) -> None:
        """Do what is due: hold on to the seat, hear who is to stop, take what waits. The store may be away."""
        self._reap()
        if self._placed is None:
            store = self.place.store
            if store.embedded and not await asyncio.to_thread(store.exists):
                return  # looking must not make a file
            self._placed = store.placed
        try:
            await self._hold_on(self._placed)
            while self._returns:
                await asyncio.to_thread(self._placed.give_back, *self._returns[-1])
                self._returns.pop()
            if self._tasks:
                await self._hear_stops(self._placed)
            if not self._leaving and len(self._tasks) <= self.most // 2:
                await self._take(self._placed)
        except StoreError as error:
            self.tell(str(error))
            if self._token and boot_time() - self._renewed > self._placed.lease_s * _UNSURE:
                await self._give_up()

    async def close(self) -> None:
        """Stop what is in hand, and give it back: another worker goes on with it."""
        await self._stop_all()
        if self._placed is not None and self._token:
            with suppress(StoreError):
                await asyncio.to_thread(self._placed.leave, self._token)
            self._placed.close()
        self._token = ""

    async def _hold_on(self, placed: PlacedStore) -> None:
        now = boot_time()
        if not self._token:
            self._token = await asyncio.to_thread(placed.enlist, self.name, self.labels, self.runs)
            self._renewed = now
        elif now - self._renewed >= placed.lease_s / _RENEWALS:
            if not await asyncio.to_thread(placed.renew, self._token):
                self.tell("the seat was taken away: what was in hand is done by others")
                await self._give_up()
                return
            self._renewed = now
        if now - self._swept >= placed.lease_s / _SWEEPS:
            self._swept = now
            await self._close_idle()
            for name in await asyncio.to_thread(placed.sweep):
                self.tell(f"{name} is gone: what it had in hand is done by others")

    async def _give_up(self) -> None:
        """Nothing that is in hand may be paid for any more."""
        self._token = ""
        await self._stop_all()

    async def _stop_all(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        self._reap()
        for run_id in list(self._sessions):
            await self._close(run_id)

    async def _hear_stops(self, placed: PlacedStore) -> None:
        now = time.monotonic()
        if now - self._asked < _STOPS_S:
            return
        self._asked = now
        for order in await asyncio.to_thread(placed.stops, self._token):
            opening = self._sessions.get(order.run_id)
            how = json.loads(order.how)
            if opening is not None and opening.done() and opening.exception() is None:
                opening.result().stop(order.address, None if how.get("plain") else read_stop(how))

    async def _take(self, placed: PlacedStore) -> None:
        most = self.most - len(self._tasks)
        for claimed in await asyncio.to_thread(placed.claim, self._token, self.labels, most):
            task = asyncio.create_task(self._do(claimed, self._token))
            task.add_done_callback(self._ended)
            self._tasks[(claimed.run_id, claimed.address)] = task
            self.taken += 1
            self._free = 0

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Half of the hands are free: there may be more to take."""
        self._free += 1
        if self._free * 2 >= self.most:
            self._free = 0
            self.ring()

    async def _do(self, claimed: Claimed, token: str) -> None:
        try:
            session = await self._session(claimed, token)
            await session.execute(claimed)
        except StoreError as error:
            self.tell(f"{claimed.run_id} {claimed.address}: {error}")
            self._returns.append((token, claimed))
            await self._close(claimed.run_id)
        except NanoFlowError as error:
            self.tell(f"{claimed.run_id} {claimed.address}: {error}")
            await self._close(claimed.run_id)
            result = PlacedResult(Failed(Failure("placement", f"{self.name} cannot do it: {error}")))
            if self._placed is not None:
                text = json.dumps(result.as_json())
                await asyncio.to_thread(self._placed.refuse, token, claimed, text)

    async def _session(self, claimed: Claimed, token: str) -> Session:
        run_id = claimed.run_id
        if self._lives.get(run_id) != claimed.life and not self._others(claimed):
            await self._close(run_id)
            self._lives[run_id] = claimed.life
        self._used[run_id] = time.monotonic()
        opening = self._sessions.get(run_id)
        if opening is None:
            opening = self._sessions[run_id] = asyncio.create_task(Session.opened(run_id, token, self._where()))
        return await asyncio.shield(opening)

    def _others(self, claimed: Claimed) -> bool:
        """Whether something else of the run is in hand: then its session stays."""
        here = (claimed.run_id, claimed.address)
        return any(key[0] == claimed.run_id and key != here and not t.done() for key, t in self._tasks.items())

    async def _close(self, run_id: str) -> None:
        opening = self._sessions.pop(run_id, None)
        if opening is not None:
            with suppress(NanoFlowError):
                session = await opening
                while session.busy:  # noqa: ASYNC110 (what else it does fails by itself)
                    await asyncio.sleep(_STOPS_S)
                await session.close()

    async def _close_idle(self) -> None:
        now, busy = time.monotonic(), {run_id for run_id, _ in self._tasks}
        for run_id in [name for name in self._sessions if name not in busy and now - self._used[name] > _IDLE_S]:
            await self._close(run_id)

    def _where(self) -> Surroundings:
        place = self.place
        service = service_in_force(place.current, place.config_dir, place.environ)
        environ = dict(place.environ)
        return Surroundings(place.state, environ=environ, address=place.address, tree=self.tree, service=service)

    def _reap(self) -> None:
        for key in [key for key, task in self._tasks.items() if task.done()]:
            task = self._tasks.pop(key)
            if not task.cancelled():
                task.result()
