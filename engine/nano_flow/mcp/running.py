"""Runs that live in the server's process: started by a call, told as progress, stopped with it or left to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace

from nano_flow.core.events import Event, RunStarted
from nano_flow.core.messages import Json
from nano_flow.mcp.offer import Offer
from nano_flow.operations.runs.starting import (
    Company,
    Control,
    GivenInputs,
    ResumeOrder,
    RunOptions,
    RunReport,
    StartOrder,
    Stop,
    resume_run,
    start_run,
)
from nano_flow.ports import Approver

_CLOSE_WAITS_S = 20.0


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a call asks for; ``texts`` stand for files that do not exist."""

    path: str
    inputs: Mapping[str, Json]
    options: RunOptions
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class LiveRun:
    """One life of a run in this process."""

    task: asyncio.Task[RunReport]
    started: asyncio.Event
    run_id: str = ""
    control: Control | None = None

    def stop(self, *, cancel: bool, why: str) -> None:
        """End it for good (its handlers run), or pause it so that somebody can resume it."""
        stop = Stop("cancelled", "", why) if cancel else Stop("interrupt", "", why, pause=True)
        if self.control is not None:
            self.control.order_now(stop)
        else:
            self.task.cancel()


class Runner:
    """Starts runs, and knows those that are alive."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._alive: set[LiveRun] = set()

    def options(self, **more: str | None) -> RunOptions:
        """The options of every call: its budget is the server's."""
        return replace(RunOptions(offline=self._offer.offline, budget=self._offer.budget), **more)  # type: ignore[arg-type]

    def start(
        self, request: RunRequest, approver: Approver | None = None, watch: Callable[[Event], None] | None = None
    ) -> LiveRun:
        """Start a run; ``watch`` sees its events."""
        given = GivenInputs(data=dict(request.inputs))
        order = StartOrder(request.path, given, request.options, request.texts or None)

        async def run(company: Company) -> RunReport:
            return await start_run(self._offer.place, order, company)

        return self._live(run, approver, watch)

    def resume(
        self, run_id: str, approver: Approver | None = None, watch: Callable[[Event], None] | None = None
    ) -> LiveRun:
        """Go on with a run that waits."""

        async def run(company: Company) -> RunReport:
            return await resume_run(self._offer.place, ResumeOrder(run_id), company)

        return self._live(run, approver, watch)

    def find(self, run_id: str) -> LiveRun | None:
        """The run of this id, where it is alive here."""
        return next((run for run in self._alive if run.run_id == run_id), None)

    async def close(self) -> None:
        """The server ends: runs are paused, and can be resumed."""
        alive = list(self._alive)
        for run in alive:
            run.stop(cancel=False, why="the MCP server has ended")
        if alive:
            await asyncio.wait([run.task for run in alive], timeout=_CLOSE_WAITS_S)

    def _live(
        self,
        run: Callable[[Company], Coroutine[object, object, RunReport]],
        approver: Approver | None,
        watch: Callable[[Event], None] | None,
    ) -> LiveRun:
        started = asyncio.Event()
        held: list[LiveRun] = []

        def take(event: Event) -> None:
            if isinstance(event, RunStarted):
                held[0].run_id = event.run_id
                started.set()
            if watch is not None:
                watch(event)

        def hold(control: Control) -> None:
            held[0].control = control

        company = Company((_Watching(take),), approver, hold)
        task = asyncio.get_running_loop().create_task(run(company))
        live = LiveRun(task, started)
        held.append(live)
        self._alive.add(live)
        task.add_done_callback(lambda _: self._over(live))
        return live

    def _over(self, live: LiveRun) -> None:
        self._alive.discard(live)
        live.started.set()


@dataclass(frozen=True, slots=True)
class _Watching:
    """A sink that is one function."""

    take: Callable[[Event], None]

    def handle(self, event: Event) -> None:
        """Pass it on."""
        self.take(event)

    def close(self) -> None:
        """Nothing is held open."""
