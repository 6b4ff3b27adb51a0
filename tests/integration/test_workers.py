"""Workers of one store, one of which is killed: runs end as if nothing had been, and no call is paid twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import GivenInputs, RunOptions, StartOrder
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.ports.store import Store
from tests.cli.said import start
from tests.integration.billing_server import billing_server, write_project
from tests.stores.postgres import schema_url

__all__ = ["schema_url"]

RUNS = 3
ITEMS = 8
WORKFLOW = """nano_flow: 1
name: fan
inputs: {run: {type: string}}
limits: {max_parallel: 2}
steps:
  one: {for_each: range(8), prompt: "{{ inputs.run }} item {{ item }}", model: loop/m, max_output_tokens: 50}
  all: {needs: [one], run: [echo, "{{ steps.one.output | length }}"]}
outputs: {count: "{{ steps.all.output.stdout }}"}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def environ(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What names the store to every process of the test."""
    address = request.getfixturevalue("schema_url") if request.param == "postgresql" else ""
    monkeypatch.setenv("NANO_FLOW_STORE", address)
    return {"NANO_FLOW_STORE": address}


@contextmanager
def working(folder: Path, environ: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    process = start(folder, "worker", *words, env=environ)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(store: Store, holds: object, seconds: float) -> bool:
    """True once ``holds`` does of the runs' summaries, looked at now and then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with store.reader() as reader:
            if holds(reader.list_runs()):  # type: ignore[operator]
                return True
        time.sleep(0.1)
    return False


def test_a_killed_worker_costs_what_was_in_flight_and_nothing_else(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOP_KEY", "a-key-of-nobody")
    with billing_server() as (url, bill):
        bill.delay_s = 0.2
        write_project(tmp_path, url, WORKFLOW)
        monkeypatch.chdir(tmp_path)
        place = Place(tmp_path / ".nano-flow", environ=dict(os.environ), current=tmp_path)
        for number in range(RUNS):
            given = GivenInputs(data={"run": f"run{number}"})
            queue_run(place, QueueOrder(StartOrder("w.yaml", given, RunOptions()), "test"))
        store = place.store
        with working(tmp_path, environ, "--runs", "2") as doomed, working(tmp_path, environ):
            assert until(store, lambda runs: len(bill.rows) >= 4, 120)
            doomed.send_signal(signal.SIGKILL)
            doomed.wait()
            assert until(store, lambda runs: all(run.status == "succeeded" for run in runs), 120)
        with store.reader() as reader:
            rows = list(reader.ledger())
    asked = Counter(prompt for prompt, _, _ in bill.rows)
    lost = [row for row in rows if row["outcome"] == "abandoned"]
    assert len(asked) == RUNS * ITEMS
    assert sum(asked.values()) - len(asked) <= len(lost) <= 4  # two runs at a time, two calls at a time each
    assert Counter(row["outcome"] for row in rows)["finished"] == RUNS * ITEMS
    assert list(store.faults()) == []
