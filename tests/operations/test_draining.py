"""A worker that is told to leave: what runs may end, nothing more is taken, and being told twice is an order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import StartOrder
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.operations.service.working import Worker


@pytest.fixture
def place(tmp_path: Path) -> Place:
    text = "nano_flow: 1\nname: long\nsteps: {{a: {{run: [sh, -c, 'while [ ! -e {0}/go ]; do sleep 0.02; done']}}}}\n"
    (tmp_path / "long.yaml").write_text(text.format(tmp_path))
    return Place(tmp_path / "state", environ={"PATH": "/usr/bin:/bin"}, current=tmp_path)


def statuses(place: Place) -> list[str]:
    """Of all runs, the oldest first."""
    with place.store.reader() as reader:
        return [run.status for run in reader.list_runs()][::-1]


def drained(place: Place, told: Callable[[Worker], None]) -> list[str]:
    """What becomes of two queued runs where the worker is ``told`` something while the first is at work."""
    for _ in range(2):
        queue_run(place, QueueOrder(StartOrder(str(place.current / "long.yaml")), "test"))

    async def story() -> None:
        worker = Worker(place, drain_s=60.0)
        working = asyncio.create_task(worker.work())
        async with asyncio.timeout(60):
            while statuses(place)[0] != "running":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            told(worker)
            await working

    asyncio.run(story())
    return statuses(place)


def test_what_runs_ends_and_nothing_more_is_taken(place: Place) -> None:
    def leave(worker: Worker) -> None:
        worker.leave()
        (place.current / "go").touch()

    assert drained(place, leave) == ["succeeded", "queued"]


def test_told_twice_it_gives_its_run_back(place: Place) -> None:
    def leave(worker: Worker) -> None:
        worker.leave()
        worker.leave()

    assert drained(place, leave) == ["queued", "queued"]


def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["worker", "--drain", "soon"]) == 2
    assert '"--drain soon" is no duration such as 60s or 5m' in capsys.readouterr().err
