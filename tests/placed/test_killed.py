"""Real workers over real stores, one of which is lost in the middle: what was paid is paid once, and ends as always."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nano_flow.core.events import NoticeGiven
from nano_flow.operations.place import Place
from nano_flow.ports.store import Store
from tests.cli.said import start
from tests.integration.billing_server import Bill, billing_server, write_project
from tests.stores.postgres import schema_url

__all__ = ["schema_url"]

ITEMS = 12
WORKFLOW = f"""nano_flow: 1
name: fan
limits: {{queue: 60s}}
steps:
  one:
    runs_on: gpu
    for_each: range({ITEMS})
    prompt: "item {{{{ item }}}}"
    model: loop/m
    max_output_tokens: 50
outputs: {{count: "{{{{ steps.one.output | length }}}}", all: "{{{{ steps.one.output | unique | list }}}}"}}
"""
BUDGETED = WORKFLOW.replace("queue: 60s", "queue: 60s, budget: {usd: 0.0008}")


@pytest.fixture(params=["sqlite", "postgresql"])
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    """What names the store to every process, and short times."""
    address = request.getfixturevalue("schema_url") if request.param == "postgresql" else ""
    return {"NANO_FLOW_STORE": address, "NANO_FLOW_LEASE": "3", "LOOP_KEY": "sk-loop-1234567890"}


@contextmanager
def working(folder: Path, environ: dict[str, str], count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """``count`` workers at their seats."""
    store = store_of(folder, environ)
    store.opened().close()  # type: ignore[attr-defined]
    found = [start(folder, "worker", "--labels", "gpu", "--steps", "4", env=environ) for _ in range(count)]
    try:
        until(lambda: len(store.placed.seats()) == count)
        yield found
    finally:
        for process in found:
            process.kill()
            process.communicate()


def store_of(folder: Path, environ: dict[str, str]) -> Store:
    return Place(folder / ".nano-flow", fixed=environ["NANO_FLOW_STORE"]).store


def until(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "nothing happened for long"
        time.sleep(0.05)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


def notices(store: Store) -> list[str]:
    with store.reader() as reader:
        run_id = reader.find_run("last").run_id
        return [e.message for _, e in reader.events_of(run_id) if isinstance(e, NoticeGiven)]


def check_paid(bill: Bill, store: Store) -> None:
    """Every item was asked for; whatever was asked for twice is named as unknown."""
    asked = Counter(prompt for prompt, _, _ in bill.rows)
    assert len(asked) == ITEMS, asked
    twice = sum(asked.values()) - ITEMS
    assert twice <= sum("is unknown since" in message for message in notices(store))
    assert list(store.faults()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_is_lost_costs_what_was_in_flight(
    tmp_path: Path, environ: dict[str, str], how: signal.Signals
) -> None:
    with billing_server() as (url, bill):
        bill.delay_s = 0.3
        write_project(tmp_path, url, WORKFLOW)
        with working(tmp_path, environ, 2) as workers:
            process = start(tmp_path, "run", "w.yaml", env=environ)
            until(lambda: len(bill.rows) >= 3)
            os.kill(workers[0].pid, how)
            code, said = ended(process)
            assert code == 0, said
            assert f"{ITEMS}" in said
            if how is signal.SIGSTOP:
                os.kill(workers[0].pid, signal.SIGCONT)
                time.sleep(1.0)  # it writes what it has, and is refused
        check_paid(bill, store_of(tmp_path, environ))


def test_a_budget_holds_over_workers(tmp_path: Path, environ: dict[str, str]) -> None:
    with billing_server() as (url, bill):
        write_project(tmp_path, url, BUDGETED)
        with working(tmp_path, environ, 2):
            code, said = ended(start(tmp_path, "run", "w.yaml", env=environ))
        assert code == 5, said
        assert "the run's budget" in said
        assert 0 < bill.spent <= 800_000
