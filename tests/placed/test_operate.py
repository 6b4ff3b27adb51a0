"""What an operator relies on: probes, metrics, draining, and a page whose unit and manifest are right."""

from __future__ import annotations

import asyncio
import configparser
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from nano_flow.cli.serving.worker import command
from nano_flow.core.text import seconds_of
from nano_flow.operations.models.metrics import StoreMetrics
from nano_flow.operations.place import Place
from nano_flow.operations.placed.watching import watched
from nano_flow.operations.runs.starting import StartOrder
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.operations.service.working import Worker
from tests.house.tree import ROOT
from tests.placed.kit import SECONDS, place, run, until, write
from tests.stores.postgres import schema_url

__all__ = ["place", "schema_url"]


def page_block(language: str) -> str:
    text = (ROOT / "docs" / "operate.md").read_text()
    return text.partition(f"```{language}\n")[2].partition("```")[0]


def options_of(words: list[str]) -> dict[str, Any]:
    """What the worker understands of a command line. Fails for an option that it does not know."""
    assert words[:2] == ["nano-flow", "worker"] or words[0].endswith("/nano-flow")
    return command.make_context("worker", words[2:]).params


def test_the_unit_drains_before_it_is_killed() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(page_block("ini"))
    options = options_of(unit["Service"]["ExecStart"].split())
    assert int(unit["Service"]["TimeoutStopSec"]) > seconds_of(options["drain"])


def test_the_manifest_probes_what_the_worker_serves() -> None:
    pod = yaml.safe_load(page_block("yaml"))["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    options = options_of(container["args"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"health": options["health_port"], "metrics": options["metrics_port"]}
    assert options["host"] == "0.0.0.0"
    assert pod["spec"]["terminationGracePeriodSeconds"] > seconds_of(options["drain"])
    paths = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"/healthz", "/readyz"}


def asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_probes_tell_whether_it_takes_work(place: Place) -> None:
    path = write(place.current, "name: w\nsteps: {a: {run: [sh, -c, 'while [ ! -e go ]; do sleep 0.05; done']}}\n")
    said: list[str] = []

    async def story() -> list[tuple[int, str]]:
        queue_run(place, QueueOrder(StartOrder(path), "test"))
        worker = Worker(place, drain_s=60.0)
        probes = await watched(worker, "127.0.0.1", 0, (0, StoreMetrics(place).text), said.append)
        health, metrics = (int(line.rpartition(":")[2].partition("/")[0]) for line in said)
        working = asyncio.create_task(worker.work())
        found = []
        async with asyncio.timeout(SECONDS):
            await until(lambda: asked(health, "/readyz")[0] == 200)
            await until(lambda: 'status="running"' in asked(metrics, "/metrics")[1])
            worker.leave()
            for probed in ("/healthz", "/readyz", "/nothing"):
                found.append(await asyncio.to_thread(asked, health, probed))
            (place.current / "go").touch()
            await working
        for each in probes:
            each.close()
        return found

    (well, _), (ready, why), (nothing, _) = asyncio.run(story())
    assert (well, ready, nothing) == (200, 503, 404)
    assert "takes nothing" in why


@pytest.mark.parametrize("drain_s", [60.0, 0.0])
def test_a_worker_that_leaves_ends_its_step_or_hands_it_over(place: Place, drain_s: float) -> None:
    script = "echo began >> log; while [ ! -e go ]; do sleep 0.05; done"
    path = write(place.current, f"name: w\nsteps: {{a: {{runs_on: gpu, run: [sh, -c, '{script}']}}}}\n")

    async def story() -> str:
        async with asyncio.timeout(SECONDS):
            place.store.opened().close()  # type: ignore[attr-defined]
            first, second = (Worker(place, labels=("gpu",), drain_s=drain_s) for _ in range(2))
            leaving = asyncio.create_task(first.work())
            await until(place.store.placed.seats)
            running = asyncio.create_task(run(place, path))
            await until((place.current / "log").exists)
            staying = asyncio.create_task(second.work())
            first.leave()
            if not drain_s:
                await leaving
                await until(lambda: (place.current / "log").read_text().count("began") == 2)
            (place.current / "go").touch()
            report = await running
            await leaving
            second.stop()
            await staying
            return report.end.status

    assert asyncio.run(story()) == "succeeded"
    assert (place.current / "log").read_text().count("began") == (1 if drain_s else 2)


def test_a_queued_run_begins_at_once(place: Place) -> None:
    """Far below the time after which a worker would look by itself; the machine may be busy."""
    path = write(place.current, "name: w\nsteps: {a: {set: {x: 1}}}\n")
    from nano_flow.operations.service import working

    async def story(monkey: pytest.MonkeyPatch) -> None:
        monkey.setattr(working, "LOOK_SECONDS", 1000.0)
        place.store.opened().close()  # type: ignore[attr-defined]
        worker = Worker(place)
        task = asyncio.create_task(worker.work())
        async with asyncio.timeout(SECONDS):
            await until(place.store.placed.seats)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(queue_run, place, QueueOrder(StartOrder(path), "test"))
            await until(lambda: all_ended(place))
        worker.stop()
        await task

    with pytest.MonkeyPatch.context() as monkey:
        asyncio.run(story(monkey))


def all_ended(place: Place) -> bool:
    with place.store.reader() as reader:
        return [run.status for run in reader.list_runs()] == ["succeeded"]


def test_detached_runs_say_how_to_start_a_worker(
    tmp_path: Path, schema_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nano_flow.cli.main import run_command

    monkeypatch.setenv("NANO_FLOW_STORE", schema_url)
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "name: w\nsteps: {a: {set: {x: 1}}}\n")
    assert run_command(["run", "w.yaml", "--detach"]) == 0
    assert 'no worker is alive: start one, on any machine that names this store, with "nano-flow worker"' in (
        capsys.readouterr().err
    )
