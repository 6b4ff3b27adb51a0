"""What ``plan`` says before a run against what the run takes: never above the high figure, near the likely one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command
from nano_flow.core.money import money

PROVIDERS = """
nano_flow: 1
providers:
  sim:
    adapter: sim
    seed: {seed}
    error_rate: {rate}
    faults: [rate_limit, cut_stream, empty, length, bad_json, timeout]
    models:
      small: {{context_window: 16k, max_output_tokens: 1k, can: [tools, json_schema]}}
      medium: {{context_window: 16k, max_output_tokens: 1k, can: [tools, json_schema]}}
      large: {{context_window: 16k, max_output_tokens: 1k, can: [tools, json_schema]}}
"""
ROUTING = """
nano_flow: 1
complexity: {base: 1, signals: [{name: length, feature: prompt_tokens, curve: [[0, 0], [200, 6]]}]}
tiers:
  low: {below: 3, models: [sim/small, sim/medium]}
  high: {models: [sim/large]}
policies: {default: {choose: first}}
fallback: {attempts: 2, delay: 1ms, max_delay: 2ms, cooldown: {after: 50, for: 1s}}
"""
WORKFLOW = """
nano_flow: 1
name: forecast
inputs: {words: {type: array}}
limits: {steps: 500}
steps:
  list:
    prompt: Give some names.
    output_schema:
      type: object
      properties: {names: {type: array, items: {type: string}, maxItems: 4}}
      required: [names]
    repair: {max_attempts: 2, escalate: true}
    on_error: {output: {names: [a, b]}}
  each:
    for_each: steps.list.output.names
    prompt: "About {{ item }}: {{ steps.list.output }}"
    max_output_tokens: 200
    on_item_failure: continue
    on_error: continue
  maybe:
    when: steps.each.output | length > 2
    prompt: "Sum up: {% for e in steps.each.output if e %}{{ e }} {% endfor %}"
    verify: [{judge: Is it short?, at_least: 0.5}]
    on_error: continue
  loop:
    repeat: {max_iterations: 3, on_exhausted: continue, until: output == 'never'}
    on_error: continue
    prompt: "Again, {{ previous }}"
  group:
    for_each: inputs.words
    on_item_failure: continue
    on_error: continue
    retry: {max_attempts: 2, delay: 1ms, max_delay: 1ms}
    steps:
      one: {prompt: "Word {{ item }}", model: sim/medium}
      two: {prompt: "And {{ steps.one.output }}", cache: false}
outputs: {}
finally:
  last: {prompt: The end., model: low, on_error: continue}
"""


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys, self.folder = capsys, folder

    def json(self, *words: str) -> Any:
        run_command([*words, "w.yaml", "--offline", "-i", 'words=["x", "y"]', "--json", "--no-input"])
        return json.loads(self._capsys.readouterr().out)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    (tmp_path / "routing.yaml").write_text(ROUTING)
    return Shell(capsys, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_no_run_exceeds_the_high_figure_however_much_fails(shell: Shell, seed: int) -> None:
    (shell.folder / "providers.yaml").write_text(PROVIDERS.format(seed=seed, rate=0.15 * seed))
    plan = shell.json("plan")
    run = shell.json("run")
    cost = run["cost"]
    spent = money(cost["simulated_usd"]) + money(cost["possibly_spent_usd"])
    assert 0 < spent <= money(plan["cost_usd"]["high"]), cost
    by_step: dict[str, int] = {}
    for step in run["steps"]:
        path = "".join(part.split("[")[0] for part in step["address"].replace("].", "]\0.").split("\0"))
        by_step[path] = by_step.get(path, 0) + money(step["cost_usd"])
    highs = {step["id"]: money(step["cost_usd"]["high"]) for step in plan["steps"]}
    prompts = [step["id"] for step in plan["steps"] if step["kind"] == "prompt"]
    assert {path: (by_step[path], highs[path]) for path in prompts if by_step.get(path, 0) > highs[path]} == {}


@pytest.mark.parametrize("seed", range(2))
def test_no_cascade_exceeds_the_high_figure_with_all_its_samples(shell: Shell, seed: int) -> None:
    (shell.folder / "providers.yaml").write_text(PROVIDERS.format(seed=seed, rate=0.1))
    shell.folder.joinpath("routing.yaml").write_text(
        ROUTING + "cascade:\n  tiers: [low, high]\n  samples: 3\n  escalate_at: 5\n"
        "  signals: [{name: disagreement, feature: agreement, curve: [[0, 8], [1, 0]]}]\n"
    )
    plan, cost = shell.json("plan"), shell.json("run")["cost"]
    spent = money(cost["simulated_usd"]) + money(cost["possibly_spent_usd"])
    assert 0 < spent <= money(plan["cost_usd"]["high"])


def test_after_three_runs_the_likely_figure_is_within_a_quarter(shell: Shell) -> None:
    (shell.folder / "providers.yaml").write_text(PROVIDERS.format(seed=1, rate=0))
    costs = [money(shell.json("run")["cost"]["simulated_usd"]) for _ in range(3)]
    likely = money(shell.json("plan")["cost_usd"]["likely"])
    fourth = money(shell.json("run")["cost"]["simulated_usd"])
    assert min(costs) > 0
    assert abs(likely - fourth) <= 0.25 * fourth
