"""What earlier runs saw of models: read alike by run, resume, plan and explain, simulated and real apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.project.money.earlier import observed_before
from nano_flow.stores.sqlite.store import open_store
from tests.stores.samples import finished, write_life
from tests.stores.test_reader import SIMULATED

REFS = {"openai": ModelCard(ModelRef("openai", "gpt-5-mini"))}
REAL = Catalogue({"openai": ProviderCard("openai", "openai", None, models=REFS)})
PRETENDED = Catalogue({"openai": ProviderCard("openai", None, "sim", models=REFS)})

PROVIDERS = """
nano_flow: 1
providers:
  sim:
    adapter: sim
    latency: 30ms
    models:
      small: {context_window: 32k, max_output_tokens: 4k, can: [], latency: {total: 2ms}}
      medium: {context_window: 32k, max_output_tokens: 4k, can: [], latency: {total: 3ms}}
"""
ROUTING = """
nano_flow: 1
tiers: {only: {models: [sim/small, sim/medium]}}
policies: {default: {choose: fastest}}
"""


def test_simulated_calls_tell_of_simulated_models_and_real_ones_of_real_ones(tmp_path: Path) -> None:
    store = open_store(tmp_path, lambda: 5000.0)
    write_life(store, "r1", finished(at=1.0), finished(at=2.0, reply=SIMULATED, duration_s=0.1))
    real, pretended = (observed_before(open_store(tmp_path), catalogue, 9.0) for catalogue in (REAL, PRETENDED))
    assert (real.latency_s, real.output_tokens, real.calls) == (
        *({"openai/gpt-5-mini": 0.5}, {"openai/gpt-5-mini": 5.0}, {"openai/gpt-5-mini": 1}),
    )
    assert (pretended.latency_s, pretended.output_tokens) == ({"openai/gpt-5-mini": 0.1}, {"openai/gpt-5-mini": 3.0})
    assert observed_before(open_store(tmp_path), Catalogue({}), 9.0).calls == {"openai/gpt-5-mini": 1}
    assert observed_before(open_store(tmp_path), REAL, 1.0).calls == {}


def test_without_a_store_nothing_was_seen_and_nothing_is_made(tmp_path: Path) -> None:
    assert observed_before(open_store(tmp_path / "state"), REAL, 9.0).calls == {}
    assert not (tmp_path / "state").exists()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    (tmp_path / "providers.yaml").write_text(PROVIDERS)
    (tmp_path / "routing.yaml").write_text(ROUTING)
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: w\nsteps:\n  one: {prompt: Begin.}\n"
        "  ask: {needs: [one], approve: {message: Go on?, options: [yes, no]}}\n"
        "  two: {needs: [ask], prompt: And the end.}\n"
    )
    return tmp_path


def test_run_plan_and_explain_choose_by_what_was_seen_and_a_resume_by_what_its_run_began_with(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> Any:
        run_command([*words, "--json", "--no-input"])
        return json.loads(capsys.readouterr().out)

    def models(report: Any) -> list[str | None]:
        return [step["model"] for step in report["steps"] if step["kind"] == "prompt"]

    def planned() -> list[str]:
        steps = told("plan", "w.yaml", "--offline")["steps"]
        return [step["route"]["model"] for step in steps if step["kind"] == "prompt"]

    assert planned() == ["sim/small", "sim/small"]
    first = told("run", "w.yaml", "--offline")
    # The first run believed what is declared, and saw otherwise in its first call; the second begins with both.
    assert (first["status"], models(first)) == ("paused", ["sim/small", None])
    assert planned() == ["sim/medium", "sim/medium"]
    assert models(told("run", "w.yaml", "--offline")) == ["sim/medium", None]
    explained = told("policy", "explain", "Begin.", "--model", "sim/small")["expected"]["sim/small"]
    assert explained["measured_calls"] == 1 and 0.004 <= explained["duration_s"] < 0.03
    assert run_command(["approvals", "answer", first["run_id"], "ask", "yes"]) == 0
    capsys.readouterr()
    resumed = told("resume", first["run_id"])
    assert (resumed["status"], models(resumed)) == ("succeeded", ["sim/small", "sim/medium"])
    with open_store(project / ".nano-flow").reader() as reader:
        decisions = [event.decision for _, event in reader.events_of(first["run_id"]) if hasattr(event, "decision")]
    expected = [decision["expected"] for decision in decisions if "expected" in decision]
    assert [e["sim/medium"]["measured_calls"] for e in expected] == [0, 0]
    assert [e["sim/small"]["measured_calls"] for e in expected] == [0, 1]


def test_explain_says_whether_a_figure_was_measured(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["policy", "explain", "Begin.", "--model", "sim/small"])
    assert "declared" in capsys.readouterr().out
    run_command(["run", "w.yaml", "--offline", "--no-input"])
    capsys.readouterr()
    run_command(["policy", "explain", "Begin.", "--model", "sim/small"])
    assert "1 call" in capsys.readouterr().out
