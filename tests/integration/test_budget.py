"""Budgets held by the ledger of the server that bills: across 512 concurrent calls, a kill -9 and a resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nano_flow.core.money import money, usd
from tests.cli.said import start as start_command
from tests.integration.billing_server import Bill, billing_server

CALLS = 512
CAP = 50
ALLOWED = 100
USUAL_COST = 13 * 1_000 + 25 * 4_000
"""Nano-dollars of a call of the workflow below, on average."""
BUDGET = ALLOWED * USUAL_COST
ROUNDS = int(os.environ.get("NANO_FLOW_BUDGET_ROUNDS", "1"))
"""How often each test is repeated; 20 before a release."""


@pytest.fixture
def server() -> Iterator[tuple[str, Bill]]:
    with billing_server() as running:
        yield running


def project(folder: Path, url: str, parallel: int = CALLS) -> Path:
    (folder / "providers.yaml").write_text(f"""
nano_flow: 1
providers:
  loop:
    litellm: openai
    credentials: [LOOP_KEY]
    base_url: {url}
    models: {{m: {{context_window: 32k, max_output_tokens: 4k, can: [tools]}}}}
""")
    (folder / "pricing.yaml").write_text("nano_flow: 1\nmodels: {loop/m: [{from: 2020-01-01, input: 1, output: 4}]}\n")
    (folder / "workflow.yaml").write_text(f"""
nano_flow: 1
name: budget
limits: {{budget: {{usd: {usd(BUDGET)}}}, max_parallel: {parallel}}}
steps:
  fan:
    for_each: range({CALLS})
    max_parallel: {parallel}
    prompt: "Say something about number {{{{ item }}}}"
    model: loop/m
    fallback: false
    max_output_tokens: {CAP}
""")
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return start_command(folder, *arguments, "--json", env={"LOOP_KEY": "sk-loop-0123456789"})


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in err, err
    return process.returncode, json.loads(out)


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_512_concurrent_calls_stay_within_a_budget_and_a_larger_one_pays_for_the_rest(
    tmp_path: Path, server: tuple[str, Bill], attempt: int
) -> None:
    url, bill = server
    folder = project(tmp_path, url)
    code, run = finish(start(folder, "run", "workflow.yaml"))
    assert code == 5, run
    assert run["stop"]["reason"] == "budget"
    assert bill.spent <= BUDGET
    assert bill.spent > 0.8 * BUDGET, "a budget that is hardly used would be easy to hold"
    assert money(run["cost"]["usd"]) == bill.spent
    assert run["cost"]["possibly_spent_usd"] == "0"
    paid = len(bill.rows)
    code, run = finish(start(folder, "resume", "last", "--budget", "1"))
    assert code == 0, run
    prompts = [prompt for prompt, _, _ in bill.rows]
    assert len(prompts) == len(set(prompts)) == CALLS > paid
    assert money(run["cost"]["usd"]) == bill.spent


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_it_is_held_across_a_kill_and_a_resume(tmp_path: Path, server: tuple[str, Bill], attempt: int) -> None:
    url, bill = server
    # With 512 in flight the whole budget is reserved at any moment, and a kill leaves nothing that is known to be free.
    folder = project(tmp_path, url, parallel=16)
    process = start(folder, "run", "workflow.yaml")
    wait_for(lambda: len(bill.rows) >= 20 + attempt, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(2 * bill.delay_s)
    before = list(bill.rows)
    code, run = finish(start(folder, "resume", "last"))
    assert code == 5, run
    assert len(bill.rows) > len(before), "the resumed run had room left and used it"
    assert bill.spent <= BUDGET
    assert money(run["cost"]["usd"]) <= bill.spent
    assert bill.spent <= money(run["cost"]["usd"]) + money(run["cost"]["possibly_spent_usd"]) <= BUDGET


def wait_for(condition: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(process.communicate())
        time.sleep(0.002)


def test_a_cached_reply_is_not_paid_again_unless_it_is_served_elsewhere(
    tmp_path: Path, server: tuple[str, Bill]
) -> None:
    url, bill = server
    folder = project(tmp_path, url)
    text = "nano_flow: 1\nname: cached\nsteps: {a: {prompt: Say one thing., model: loop/m, cache: true}}\n"
    (folder / "cached.yaml").write_text(text)
    costs = [finish(start(folder, "run", "cached.yaml"))[1]["cost"] for _ in range(2)]
    assert len(bill.rows) == 1
    assert (costs[1]["usd"], costs[1]["saved_usd"]) == ("0", costs[0]["usd"])
    providers = folder / "providers.yaml"
    providers.write_text(providers.read_text().replace("127.0.0.1", "localhost"))
    finish(start(folder, "run", "cached.yaml"))
    assert len(bill.rows) == 2
