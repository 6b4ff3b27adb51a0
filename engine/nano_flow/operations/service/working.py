"""A worker: takes runs from the store, and gives them back when it is told to end."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nano_flow.core.errors import NanoFlowError, RunTaken, StoreError
from nano_flow.core.events import Event, RunFinished
from nano_flow.operations.place import Place
from nano_flow.operations.placed.bell import Bell
from nano_flow.operations.placed.seat import STEPS, PlacedWorker
from nano_flow.operations.runs.due import due_runs
from nano_flow.operations.runs.starting import Company, Control, ProcessTree, ResumeOrder, Stop, Wanted, resume_run
from nano_flow.operations.service.due import lost_runs, startable, unbudgeted_runs
from nano_flow.operations.service.queueing import AGAIN, WORKER, wanted_again
from nano_flow.ports.store import Mark, RunSummary, Store
from nano_flow.project.service.reading import service_in_force
from nano_flow.project.service.retention import keep_house_now_and_then

LOOK_SECONDS = 0.5
DUE_SECONDS = 2.0
_SAY_SECONDS = 5.0
_STUCK_SECONDS = 30.0
_PATIENCE_SECONDS = 60.0
"""How long a store may be away before the worker ends: whoever keeps it alive starts it anew."""
_HOUSE_SECONDS = 60.0


@dataclass(slots=True)
class Worker:
    """Works on the runs of one store. ``tell`` gets a line for each that begins and ends."""

    place: Place
    at_once: int = 1
    until_idle: bool = False
    """End when nothing is queued and nothing runs."""
    tell: Callable[[str], None] = lambda line: None
    tree: ProcessTree = field(default_factory=ProcessTree)
    goes_on: Callable[[], bool] = lambda: True
    """False once whoever started it is gone."""
    labels: tuple[str, ...] = ()
    """What it can do besides whole runs: steps under `runs_on` with one of these."""
    steps: int = STEPS
    """How many placed steps it does at a time."""
    drain_s: float = 0.0
    """How long runs that are under way may take to their end, once it is told to leave."""
    _looked_at: float = 0.0
    _well_at: float = field(default_factory=time.monotonic)
    _seat: PlacedWorker | None = None
    _bell: Bell | None = None
    _store: Store | None = None
    _leaving: bool = False
    _controls: dict[str, Control] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _due_at: float = 0.0
    _seen_at: float = 0.0
    _house_at: float = 0.0
    _name: str = field(default_factory=lambda: f"{socket.gethostname()} {os.getpid()}")

    async def work(self) -> None:
        """Until it is told to stop; runs that are under way then pause and are queued again."""
        self._seat = PlacedWorker(
            self.place, self._name, self.labels, self.at_once, self.steps, self.tree, lambda line: self.tell(line)
        )
        self._bell = bell = Bell(lambda: self.place.store)
        self._seat.ring = bell.ring
        try:
            await self._work(self._seat, bell)
        finally:
            bell.close()
            await self._seat.close()
            await asyncio.gather(*self._tasks.values())

    @property
    def looks(self) -> bool:
        """Whether it goes round: its loop is not stuck, and its store answers or is waited for."""
        return time.monotonic() - self._looked_at < _STUCK_SECONDS

    @property
    def takes(self) -> bool:
        """Whether it takes work: it has its seat, and nobody told it to leave."""
        return self.looks and self._seat is not None and self._seat.seated and not self._leaving

    async def _work(self, seat: PlacedWorker, bell: Bell) -> None:
        while not self._stopping.is_set():
            self._looked_at = time.monotonic()
            await seat.look()
            takes_more = len(self._tasks) < self.at_once and not self._leaving
            for run in await asyncio.to_thread(self._found, takes_more=takes_more):
                task = self._tasks[run.run_id] = asyncio.create_task(self._run(run))
                task.add_done_callback(lambda _: bell.ring())
            if not self._tasks and not seat.busy and (self.until_idle or self._leaving):
                return
            await bell.rung(LOOK_SECONDS)
            self._tasks = {run_id: task for run_id, task in self._tasks.items() if not task.done()}
            if not self.goes_on():
                self.stop()

    def leave(self) -> None:
        """Take nothing more; what runs has ``drain_s`` for its end, then it is stopped. Told twice: stop it now."""
        if self._leaving or not self.drain_s:
            self.stop()
            return
        self._leaving = True
        if self._seat is not None:
            self._seat.leave()
        asyncio.get_running_loop().call_later(self.drain_s, self.stop)

    def stop(self) -> None:
        """End soon: what runs is stopped where it is, and another worker goes on with it."""
        self._stopping.set()
        if self._bell is not None:
            self._bell.ring()
        for control in self._controls.values():
            control.order_now(Stop("interrupt", "", "the worker ends", pause=True))

    def _there(self) -> Store:
        """The store; it is opened once, for it keeps connections between two questions."""
        self._store = self._store or self.place.store
        return self._store

    def _found(self, *, takes_more: bool) -> list[RunSummary]:
        """What to take now. A store that is away for a while is waited for: runs that are under way do so, too."""
        try:
            self._say_alive()
            found = self._next() if takes_more else []
            self._well_at = time.monotonic()
        except StoreError as error:
            self._store = None
            if time.monotonic() - self._well_at > _PATIENCE_SECONDS:
                raise
            self.tell(str(error))
            return []
        return found

    def _say_alive(self) -> None:
        store, now = self._there(), time.time()
        if now - self._seen_at >= _SAY_SECONDS and store.exists():
            self._seen_at = now
            store.remember(Mark(WORKER, self._name, now))

    def _next(self) -> list[RunSummary]:
        store = self._there()
        if not store.exists():
            return []
        now = time.time()
        service = service_in_force(self.place.current, self.place.config_dir, self.place.environ)
        if now - self._house_at >= _HOUSE_SECONDS:
            self._house_at = now
            keep_house_now_and_then(store, service.retention, now)
        with store.reader() as reader:
            found = [run for run in startable(reader, service) if self._may_take(run)]
            if not found and now - self._due_at >= DUE_SECONDS:
                self._due_at = now
                due = [reader.find_run(run.run_id) for run in due_runs(self.place, now)]
                found = [
                    run for run in (*due, *unbudgeted_runs(reader, now), *lost_runs(reader)) if self._may_take(run)
                ]
        return found[: self.at_once - len(self._tasks)]

    def _may_take(self, run: RunSummary) -> bool:
        return run.run_id not in self._tasks and run.run_id not in self._refused

    async def _run(self, run: RunSummary) -> None:
        """One run, to its end or its pause. What it refuses to begin with is its end: nobody else would do better."""

        def hold(control: Control) -> None:
            self._controls[run.run_id] = control
            if self._stopping.is_set():  # it was told to end while the run was being opened
                self.stop()

        self.tell(f"{run.run_id} {run.workflow}: taken")
        fresh = await asyncio.to_thread(self._is_fresh, run)
        try:
            wanted = await asyncio.to_thread(self._wanted, run.run_id)
            order = ResumeOrder(run.run_id, wanted, accept_changes=fresh, seen=run)
            company = Company((_Begun(self.place, run.run_id, wanted),), on_control=hold, tree=self.tree)
            report = await resume_run(self.place, order, company)
            self.tell(f"{run.run_id} {run.workflow}: {report.end.status}")
            if self._stopping.is_set() and report.end.status == "paused" and report.end.reason == "interrupt":
                await asyncio.to_thread(self.place.store.requeue_run, run.run_id)
        except RunTaken:
            self.tell(f"{run.run_id} {run.workflow}: somebody else was faster")
        except NanoFlowError as error:
            self.tell(f"{run.run_id} {run.workflow}: {error}")
            await self._refuse(run, str(error))
        finally:
            self._controls.pop(run.run_id, None)

    def _is_fresh(self, run: RunSummary) -> bool:
        """True where nothing was done yet: then nothing that changed meanwhile could be paid twice."""
        with self.place.store.reader() as reader:
            return next(iter(reader.events_of(run.run_id)), None) is None

    def _wanted(self, run_id: str) -> Wanted:
        with self.place.store.reader() as reader:
            return wanted_again(reader, run_id)

    async def _refuse(self, run: RunSummary, why: str) -> None:
        self._refused.add(run.run_id)
        if run.status != "queued":
            return  # it stays as it is, for a person to look at
        store = self.place.store
        try:
            _, journal = store.reopen_run(run.run_id, seen=run)
            journal.record(RunFinished(time.time(), "failed", None, why, None, None, 0.0))
            await journal.close()
        except NanoFlowError as error:
            self.tell(f"{run.run_id}: {error}")


@dataclass(slots=True)
class _Begun:
    """Forgets what a run was to do again once it has begun with it: a life after this one must not pay it twice."""

    place: Place
    run_id: str
    wanted: Wanted

    def handle(self, event: Event) -> None:
        """Take the next event; the first one stands behind the order in the journal."""
        if self.wanted != Wanted():
            self.wanted = Wanted()
            self.place.store.remember(Mark(AGAIN, self.run_id, time.time()))

    def close(self) -> None:
        """Nothing is held open."""
