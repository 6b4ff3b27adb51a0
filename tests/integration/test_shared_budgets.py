"""Budgets over runs: held by the server that bills, across runs and processes of one store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nano_flow.core.money import money, usd
from nano_flow.operations.place import Place
from nano_flow.operations.service.due import unbudgeted_runs
from tests.cli.said import start
from tests.integration.billing_server import Bill, billing_server

CAP = 50
BUDGET = money("0.003")
ENVIRON = {"LOOP_KEY": "k", "NO_PROXY": "*", "no_proxy": "*"}


@pytest.fixture
def server() -> Iterator[tuple[str, Bill]]:
    with billing_server() as running:
        yield running


def project(folder: Path, url: str, budget: str) -> Path:
    (folder / ".git").mkdir()
    (folder / "providers.yaml").write_text(
        "nano_flow: 1\nproviders:\n  loop:\n    api: openai\n    credentials: [LOOP_KEY]\n"
        f"    base_url: {url}\n    models: {{m: {{context_window: 32k, max_output_tokens: 4k}}}}\n"
    )
    (folder / "pricing.yaml").write_text("nano_flow: 1\nmodels: {loop/m: [{from: 2020-01-01, input: 1, output: 4}]}\n")
    (folder / "service.yaml").write_text(f"nano_flow: 1\nbudgets:\n  - {{usd: {usd(BUDGET)}, per: day, {budget}}}\n")
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(
            f"nano_flow: 1\nname: {name}\nsteps:\n  fan:\n    for_each: range(40)\n    max_parallel: 8\n"
            '    prompt: "Say something about number {{ item }}"\n    model: loop/m\n    fallback: false\n'
            f"    tags: [review]\n    max_output_tokens: {CAP}\n"
        )
    return folder


def run(folder: Path, *names: str) -> list[tuple[int, dict[str, object]]]:
    """Run workflows at the same time, each in a process of its own."""
    started = [start(folder, "run", f"{name}.yaml", "--json", "--no-input", env=ENVIRON) for name in names]
    ended = [process.communicate(timeout=120)[0] for process in started]
    return [(process.returncode, json.loads(out)) for process, out in zip(started, ended, strict=True)]


def test_two_runs_at_once_cannot_overspend_together(tmp_path: Path, server: tuple[str, Bill]) -> None:
    url, bill = server
    folder = project(tmp_path, url, "on_exceed: stop")
    ends = run(folder, "one", "two")
    assert BUDGET // 2 < bill.spent <= BUDGET, ends
    assert 5 in [code for code, _ in ends]
    refused = next(document for code, document in ends if code == 5)
    assert refused["status"] == "failed" and "the budget of 0.003 USD a day" in str(refused["error"])
    assert refused["stop"] == {"reason": "budget", "address": refused["stop"]["address"]}  # type: ignore[index]
    # What is spent stays spent: a later run finds the same window full.
    before = bill.spent
    code, _ = run(folder, "one")[0]
    assert code == 5 and bill.spent <= BUDGET and bill.spent - before < BUDGET // 4


def test_a_run_that_is_paused_is_due_when_the_window_ends(tmp_path: Path, server: tuple[str, Bill]) -> None:
    url, bill = server
    folder = project(tmp_path, url, "workflow: one, tags: [Review], on_exceed: pause")
    code, document = run(folder, "one")[0]
    assert code == 5 and document["status"] == "paused" and bill.spent <= BUDGET
    assert run(folder, "two")[0][0] == 0  # another workflow is not bounded
    place = Place(folder / ".nano-flow")
    with place.store.reader() as reader:
        now = reader.find_run("last").created_at
        assert unbudgeted_runs(reader, now) == []
        assert [found.run_id for found in unbudgeted_runs(reader, now + 86_400)] == [document["run_id"]]
