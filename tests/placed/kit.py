"""Runs and workers of one store side by side in one process, for tests of placed steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nano_flow.app import RunReport
from nano_flow.core.events import Event
from nano_flow.operations.place import Place
from nano_flow.operations.placed.seat import PlacedWorker
from nano_flow.operations.runs.starting import Company, GivenInputs, ResumeOrder, StartOrder, resume_run, start_run

SECONDS = 90
"""No test may take longer; the machine may be busy."""


@dataclass
class Seen:
    """A sink that remembers."""

    events: list[Event] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if type(event).__name__ == kind]


def place_in(folder: Path, address: str, **environ: str) -> Place:
    """A project in ``folder`` with its state there, or in the store at ``address``."""
    return Place(folder / "state", environ={"PATH": "/usr/bin:/bin", **environ}, current=folder, fixed=address)


def write(folder: Path, text: str, name: str = "w.yaml") -> str:
    (folder / name).write_text("nano_flow: 1\n" + text)
    return str(folder / name)


@asynccontextmanager
async def workers(place: Place, *labels: str, count: int = 1) -> AsyncIterator[list[PlacedWorker]]:
    """``count`` workers that look at the store all the time."""
    place.store.opened().close()  # type: ignore[attr-defined]
    found = [PlacedWorker(place, f"worker {number}", labels) for number in range(count)]

    async def work(worker: PlacedWorker) -> None:
        while True:
            await worker.look()
            await asyncio.sleep(0.01)

    for worker in found:
        await worker.look()
    tasks = [asyncio.create_task(work(worker)) for worker in found]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        for worker in found:
            await worker.close()


async def until(holds: Callable[[], object]) -> None:
    """Return once ``holds`` does; it may block."""
    while not await asyncio.to_thread(holds):  # noqa: ASYNC110
        await asyncio.sleep(0.03)


async def run(place: Place, path: str, *, sinks: Sequence[Seen] = (), **inputs: object) -> RunReport:
    """A run from its start to its end."""
    order = StartOrder(path, GivenInputs(data=inputs))  # type: ignore[arg-type]
    return await start_run(place, order, Company(sinks=tuple(sinks)))


async def resume(place: Place, run_id: str) -> RunReport:
    """A run that goes on."""
    return await resume_run(place, ResumeOrder(run_id), Company())


def placed_run(place: Place, path: str, *labels: str, count: int = 1, **inputs: object) -> tuple[RunReport, int]:
    """A run beside ``count`` workers, and how many executions these took."""

    async def story() -> tuple[RunReport, int]:
        async with asyncio.timeout(SECONDS), workers(place, *labels, count=count) as found:
            report = await run(place, path, **inputs)
            return report, sum(worker.taken for worker in found)

    return asyncio.run(story())


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A project over each kind of store."""
    address = request.getfixturevalue("schema_url") if request.param == "postgresql" else ""
    return place_in(tmp_path, address)
