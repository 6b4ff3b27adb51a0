"""Metrics of all runs of a store, whoever runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.operations.models.metrics import StoreMetrics
from nano_flow.operations.place import Place

WORKFLOW = """nano_flow: 1
name: w
inputs: {}
steps:
  a: {prompt: hello}
  ask: {approve: {message: ok?, options: [yes, no]}}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return Place(tmp_path / ".nano-flow")


def told(metrics: StoreMetrics) -> dict[str, float]:
    """Every sample by its name and labels."""
    lines = [line for line in metrics.text()[0].decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


CALLS = 'nano_flow_calls_total{model="small",outcome="answered",provider="sim"}'


def test_what_happens_after_the_first_look_is_counted_once(place: Place) -> None:
    metrics = StoreMetrics(place)
    assert CALLS not in told(metrics)
    assert run_command(["run", "w.yaml", "--offline", "--no-input"]) == 6
    for _ in range(2):
        seen = told(metrics)
        assert seen[CALLS] == 1
        assert seen['nano_flow_runs_total{status="paused",workflow="w"}'] == 1
        assert seen['nano_flow_runs_now{status="paused"}'] == 1
        assert seen["nano_flow_open_questions"] == 1
    assert run_command(["approvals", "answer", "last", "ask", "yes"]) == 0
    assert run_command(["resume", "last", "--no-input"]) == 0
    seen = told(metrics)
    assert seen[CALLS] == 1
    assert seen['nano_flow_runs_total{status="succeeded",workflow="w"}'] == 1
    assert seen["nano_flow_open_questions"] == 0
    assert told(metrics) == seen


def test_what_happened_before_is_not_counted(place: Place) -> None:
    assert run_command(["run", "w.yaml", "--offline", "--no-input"]) == 6
    metrics = StoreMetrics(place)
    assert CALLS not in told(metrics)
    assert told(metrics)['nano_flow_runs_now{status="paused"}'] == 1


def test_budgets_over_runs_stand_beside_what_they_have_spent(place: Place) -> None:
    (place.current / "service.yaml").write_text(
        "nano_flow: 1\nbudgets:\n  - {usd: 2, per: day}\n  - {usd: 5, per: month, workflow: w}\n"
    )
    metrics = StoreMetrics(place)
    assert run_command(["run", "w.yaml", "--offline", "--no-input"]) == 6
    seen = told(metrics)
    assert seen['nano_flow_budget_limit_usd{budget="2 USD a day"}'] == 2
    assert seen['nano_flow_budget_spent_usd{budget="2 USD a day"}'] == 0  # simulated calls draw nothing
    (place.current / "service.yaml").write_text("nano_flow: 1\nbudgets: [{usd: 3, per: day}]\n")
    names = {name for name in told(metrics) if name.startswith("nano_flow_budget_limit_usd")}
    assert names == {'nano_flow_budget_limit_usd{budget="3 USD a day"}'}
    (place.current / "service.yaml").write_text("nano_flow: 1\nbudgets: [{usd: three}]\n")
    assert not [name for name in told(metrics) if name.startswith("nano_flow_budget_limit_usd")]
