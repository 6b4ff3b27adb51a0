"""From checks to a policy: a workflow verifies and escalates, its journal is replayed, explained and learned from."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command

ROUTING = """nano_flow: 1
complexity:
  signals: [{name: length, feature: prompt_words, curve: [[0, 0], [60, 9]]}]
tiers:
  simple: {below: 8, models: [openai/gpt-5-nano, sim/small]}
  standard: {models: [openai/gpt-5, sim/medium]}
"""
FLOW = """nano_flow: 1
name: flow
inputs: {items: {type: array}}
steps:
  answer:
    for_each: inputs.items
    prompt: "{{ item.text }}"
    verify: [{check: not item.hard or output | length > 130, message: say more}]
    repair: {max_attempts: 1, escalate: true}
    on_item_failure: continue
    on_error: continue
  sum: {prompt: "Which of them is best?", verify: [{judge: "Is it short, and does it name one?", at_least: 0.01}]}
outputs: {}
"""
COUNT = 150


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One word or three sentences would do: those that end in a question mark need more than a small model says."""
    monkeypatch.chdir(tmp_path)
    draw = random.Random(3)
    items = []
    for n in range(COUNT):
        hard, words = draw.random() < 0.3, " ".join(draw.choices(["plainly", "in steps", "with care"], k=n % 12))
        items.append(
            {"text": f"Tell me of {draw.choice(['tea', 'soil'])} {n} {words}{'?' if hard else '.'}", "hard": hard}
        )
    Path("items.json").write_text(json.dumps(items))
    Path("routing.yaml").write_text(ROUTING)
    Path("flow.yaml").write_text(FLOW)


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The labels of one rehearsal."""
    assert run_command(["run", "flow.yaml", "--offline", "-i", "items=@items.json"]) == 0
    capsys.readouterr()
    return labels(capsys)


def labels(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert run_command(["runs", "logs", "last", "--json"]) == 0
    events = json.loads(capsys.readouterr().out)["events"]
    return [event for event in events if event["event"] == "ReplyChecked"]


def document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert run_command(["policy", *arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def passed(told: list[dict[str, Any]], model: str) -> tuple[int, int]:
    mine = [event["passed"] for event in told if event["model"] == model and event["address"] != "sum"]
    return sum(mine), len(mine)


def test_each_reply_leaves_one_label_and_what_a_resume_takes_from_the_record_none(
    ran: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    small, medium = passed(ran, "sim/small"), passed(ran, "sim/medium")
    assert small[1] == COUNT and medium[1] == COUNT - small[0] and 0 < medium[0] < medium[1]
    assert len({event["prompt_digest"] for event in ran}) == COUNT + 1 and all(event["simulated"] for event in ran)
    assert [(event["by"], event["passed"]) for event in ran if event["address"] == "sum"] == [("judge", True)]
    assert run_command(["resume", "last", "--from", "sum"]) == 0
    capsys.readouterr()
    again = labels(capsys)
    assert again[: len(ran)] == ran and [event["address"] for event in again[len(ran) :]] == ["sum"]
    assert run_command(["runs", "show", "last", "--step", "sum", "--json"]) == 0
    assert [check["by"] for check in json.loads(capsys.readouterr().out)["checks"]] == ["judge", "judge"]


def test_a_replay_looks_up_the_labels_of_the_models_that_it_would_ask(
    ran: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    right = passed(ran, "sim/small")[0] + passed(ran, "sim/medium")[0]
    quality = document(capsys, "replay")["quality"]
    assert quality["right"] == pytest.approx((right + 1) / (COUNT + 1), abs=1e-4) and quality["simulated"]
    assert quality["known"]["recorded"]["right"] == quality["right"] and quality["all"]["unknown"] == 0
    assert quality["known"]["difference"]["value"] == 0
    assert (quality["labels"], quality["calls"], quality["unknown"], quality["harder"]) == (COUNT + 1, COUNT + 1, 0, 0)
    assert quality["low"] < quality["right"] < quality["high"]
    Path("dear.yaml").write_text(ROUTING.replace("below: 8", "below: 0.01"))
    right, total = passed(ran, "sim/medium")
    quality = document(capsys, "replay", "dear.yaml")["quality"]
    assert (quality["right"], quality["labels"]) == (pytest.approx(right / total, abs=1e-4), total)
    assert (quality["harder"], quality["unknown"], quality["assumed"]) == (total, COUNT + 1 - total, COUNT + 1 - total)
    assert run_command(["policy", "replay", "dear.yaml"]) == 0
    said = capsys.readouterr().out
    bounds, medium = quality["all"], COUNT + 1 - total
    assert (bounds["unknown"], bounds["all_fail"]) == (medium, pytest.approx(right / (COUNT + 1), abs=1e-4))
    assert bounds["low"] < bounds["all_fail"] < bounds["all_pass"] < bounds["high"]
    assert quality["known"]["recorded"]["right"] == quality["right"] and quality["known"]["difference"]["changed"] == 0
    assert quality["selection"]["recorded_right"]["unknown"] == 1
    assert f"of all {COUNT + 1} labelled prompts 0." in said and "the record is right on 100% of them" in said
    assert "quality of simulated replies 0." in said and "only after another had failed" in said
    assert f"taking {COUNT + 1 - total} prompts that a lower tier passed" in said


def test_a_replay_says_where_no_label_helps(capsys: pytest.CaptureFixture[str]) -> None:
    Path("items.json").write_text('[{"text": "Tell me", "hard": false}]')
    one = FLOW.partition("  sum:")[0]
    Path("flow.yaml").write_text(one)
    assert run_command(["run", "flow.yaml", "--offline", "-i", "items=@items.json"]) == 0
    Path("other.yaml").write_text(ROUTING.replace("sim/small", "sim/large"))
    capsys.readouterr()
    assert run_command(["policy", "replay", "other.yaml"]) == 0
    assert "quality: none of 1 labelled prompts has an outcome of the model chosen" in capsys.readouterr().out
    Path("flow.yaml").write_text(one.replace("    verify:", "    #"))
    assert run_command(["run", "flow.yaml", "--offline", "-i", "items=@items.json"]) == 0
    capsys.readouterr()
    assert run_command(["policy", "replay", "--run", "last"]) == 0
    assert "quality: no labels; steps with verify or output_schema leave them" in capsys.readouterr().out


def test_a_recorded_step_is_explained_by_its_own_calls_not_by_its_judge(
    ran: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(capsys, "explain", "--run", "last", "sum")["facts"]["prompt_words"] == 5
    escalated = next(event["address"] for event in ran if event["model"] == "sim/medium")
    found = document(capsys, "explain", "--run", "last", escalated)
    assert found["model"] == "sim/medium"
    assert found["notices"][-1] == "this is the last of 2 calls here; the first went to simple → sim/small"
    assert document(capsys, "explain", "--step", "flow.yaml:answer[3]")["tier"] == "simple"
    assert run_command(["policy", "explain", "--run", "last", "answer"]) == 2
    assert "it did at: answer[0], answer[1]" in (said := capsys.readouterr().err) and "more" in said


def test_training_on_the_journal_tells_what_it_rests_on(
    ran: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["policy", "train"]) == 2
    said = capsys.readouterr().err
    assert "simulated replies say nothing of other models" in said and f"sim/small {COUNT + 1}" in said
    pytest.importorskip("sklearn", reason="training is an extra: pip install 'nano-flow[train]'")
    assert run_command(["policy", "train", "--weak", "sim/small", "--since", "1h", "--write"]) == 0
    said, noted = capsys.readouterr()
    failed = COUNT - passed(ran, "sim/small")[0]
    assert f"sim/small → sim/medium: {COUNT + 1} labelled prompts: too few to learn from" in said
    assert f"on {failed} prompts sim/medium was asked after sim/small had failed" in said
    assert f"assumed: {COUNT + 1 - failed} prompts that sim/small passed" in said
    assert f"{len(ran)} checked replies of 1 runs read from the journal" in noted
    assert "better by +" in said and "is written" in noted
    text = Path("complexity.learned.yaml").read_text()
    assert f"{{escalated: {failed}, compared: 0, assumed: {COUNT + 1 - failed}, left_out: 0}}" in text
    assert "learned from facts, declared word lists and the words of kept prompts" in said and "Tell me" not in text
    Path("routing.yaml").write_text(ROUTING.replace("signals:", "learned: {file: complexity.learned.yaml}\n  signals:"))
    hard, easy = (document(capsys, "explain", f"Tell me of tea 7 plainly{end}")["score"] for end in "?.")
    assert hard > easy
    assert run_command(["runs", "prune", "--texts"]) == 0
    capsys.readouterr()
    found = document(capsys, "train", "--weak", "sim/small", "--run", "last")
    assert found["texts"] is False
    assert found["basis"] == {"escalated": failed, "compared": 0, "assumed": COUNT + 1 - failed, "left_out": 0}
