"""Thresholds proposed by the command: from files and from the journal, shown as a change and made with --write."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command

ROUTING = """nano_flow: 1
complexity:
  signals: [{name: length, feature: prompt_words, curve: [[0, 0], [100, 10]]}]
tiers:
  simple: {below: 8.0, models: [openai/gpt-5-nano, sim/small]}  # small ones
  standard:
    below: 9   # middling
    models: [openai/gpt-5-mini, sim/medium]
  complex: {models: [openai/gpt-5, sim/large]}
policies:
  default:
    rules: [{name: secrets, when: "'secret' in prompt", tier: complex}]
"""
FLOW = """nano_flow: 1
name: flow
inputs: {items: {type: array}}
steps:
  answer: {for_each: inputs.items, prompt: "{{ item }}"}
outputs: {}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("routing.yaml").write_text(ROUTING)


def prompt(words: int) -> str:
    return " ".join(["word"] * words)


def rows(low: int, high: int, path: str = "rows.jsonl") -> str:
    """A prompt of each length, by whose words a person would part the tiers."""
    tiers = ["simple" if n < low else "standard" if n < high else "complex" for n in range(100)]
    lines = [json.dumps({"prompt": prompt(n + 1), "tier": tier}) for n, tier in enumerate(tiers)]
    Path(path).write_text("\n".join(lines))
    return path


def ask(capsys: pytest.CaptureFixture[str], *given: str, code: int = 0) -> dict[str, Any]:
    assert run_command(["--json", "policy", "calibrate", *given]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_labels_move_the_thresholds_to_where_people_part_the_tiers(capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(capsys, "--labels", rows(30, 60), "--write")
    assert found["before"]["quality"]["right"] < 0.6
    assert found["after"]["quality"]["right"] > 0.9
    assert found["after"]["quality"]["labels"] < 70
    below = found["after"]["below"]
    text = Path("routing.yaml").read_text()
    assert text == ROUTING.replace("below: 8.0", f"below: {below['simple']:g}").replace(
        "below: 9", f"below: {below['standard']:g}"
    )
    assert found["written"] is True


def test_nothing_is_written_without_being_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["policy", "calibrate", "--labels", rows(30, 60), "--share", "60/30/10"]) == 0
    said = capsys.readouterr()
    changed = [line for line in said.out.splitlines() if line.startswith("+ ")]
    assert len(changed) == 2
    assert all("below" in line for line in changed)
    assert "right tier, held out" in said.out
    assert "--write" in said.err
    assert Path("routing.yaml").read_text() == ROUTING


def test_a_budget_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plain.csv").write_text("prompt\n" + "\n".join(prompt(n + 1) for n in range(100)))
    dear = ask(capsys, "--labels", "plain.csv", "--budget", "5")
    assert float(dear["after"]["cost_usd"]) <= 5
    assert dear["after"]["quality"] is None
    cheap = ask(capsys, "--labels", "plain.csv", "--budget", f"{float(dear['after']['cost_usd']) * 0.7:.6f}")
    assert cheap["after"]["below"]["simple"] > dear["after"]["below"]["simple"]
    assert run_command(["policy", "calibrate", "--labels", "plain.csv", "--budget", "0.000001"]) == 2
    assert "no thresholds keep 1000 calls" in capsys.readouterr().err


def test_prompts_that_rules_decide_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(rows(30, 60))
    path.write_text(path.read_text() + "\n" + json.dumps({"prompt": "a secret"}))
    assert ask(capsys, "--labels", str(path), "--share", "50/30/20")["decided_otherwise"] == 1


def test_recorded_calls_are_scored_again(capsys: pytest.CaptureFixture[str]) -> None:
    Path("flow.yaml").write_text(FLOW)
    Path("items.json").write_text(json.dumps([prompt(n * 2 + 1) for n in range(40)]))
    assert run_command(["run", "flow.yaml", "--offline", "-i", "items=@items.json"]) == 0
    capsys.readouterr()
    found = ask(capsys, "--share", "50/25/25")
    assert found["basis"] == "40 recorded calls"
    assert found["before"]["shares"]["simple"] == 1
    assert found["after"]["shares"] == {"simple": 0.5, "standard": 0.25, "complex": 0.25}


def test_thresholds_that_held_out_labels_do_not_support_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for n in range(100):
        text = prompt(n + 1)
        held = hashlib.sha256(text.encode()).digest()[0] % 2
        lines.append(json.dumps({"prompt": text, "tier": "simple" if held or n < 20 else "complex"}))
    Path("odd.jsonl").write_text("\n".join(lines))
    found = ask(capsys, "--labels", "odd.jsonl", "--write", code=1)
    assert found["after"]["quality"]["right"] < found["before"]["quality"]["right"]
    assert Path("routing.yaml").read_text() == ROUTING


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "say what is wanted"),
        (["--share", "60/30/10"], "no recorded call was found"),
        (["--share", "60/40"], "3 tiers: simple, standard, complex"),
        (["--share", "60/30/x"], "together 100"),
        (["--share", "60/30/30"], "together 100"),
        (["--share", "60/30/10", "--budget", "1"], "give one of them"),
        (["--labels", "none.jsonl"], '"none.jsonl" cannot be read'),
        (["--labels", "wrong.jsonl"], 'wrong.jsonl:2: there is no tier "hard"'),
        (["--labels", "bare.jsonl"], 'bare.jsonl:1: "prompt" is missing'),
        (["--labels", "empty.csv"], "empty.csv holds no rows"),
        (["--labels", "latin.csv"], "not UTF-8"),
        (["--labels", "few.jsonl"], "too few"),
        (["--labels", "unlabelled.jsonl"], 'no "tier"'),
        (["--labels", "ruled.jsonl", "--share", "60/30/10"], "none is decided by its score"),
    ],
)
def test_what_cannot_be_done_is_said(given: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("wrong.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b", "tier": "hard"}')
    Path("bare.jsonl").write_text('{"tier": "simple"}')
    Path("empty.csv").write_text("prompt,tier\n")
    Path("latin.csv").write_bytes(b"prompt\n\xe9t\xe9\n")
    Path("few.jsonl").write_text('{"prompt": "a", "tier": "simple"}')
    Path("unlabelled.jsonl").write_text('{"prompt": "a"}')
    Path("ruled.jsonl").write_text('{"prompt": "a secret"}')
    assert run_command(["policy", "calibrate", *given]) == 2
    assert said in capsys.readouterr().err


def test_thresholds_of_another_file_are_changed_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("routing.yaml").rename("base.yaml")
    Path("routing.yaml").write_text("nano_flow: 1\nextends: base.yaml\n")
    assert run_command(["policy", "calibrate", "--labels", rows(30, 60)]) == 2
    assert "base.yaml:5:" in capsys.readouterr().err


def test_the_document_of_nano_flow_itself_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("routing.yaml").unlink()
    Path("rows.jsonl").write_text(
        '{"prompt": "Translate this word."}\n{"prompt": "Plan a migration; weigh the risks."}'
    )
    assert run_command(["policy", "calibrate", "--labels", "rows.jsonl", "--share", "10/10/80", "--write"]) == 2
    assert "comes with nano-flow" in capsys.readouterr().err


def test_one_tier_has_no_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    Path("routing.yaml").write_text("nano_flow: 1\ntiers: {only: {models: [sim/small]}}\n")
    assert run_command(["policy", "calibrate", "--share", "100"]) == 2
    assert "one tier" in capsys.readouterr().err
