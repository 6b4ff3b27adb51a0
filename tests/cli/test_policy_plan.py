"""``plan`` beside ``policy``: one decision, under a named policy too, and scores as far as prompts are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from tests.cli.test_policy import ROUTING, document


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "for-tests-only")
    Path("routing.yaml").write_text(ROUTING)


def test_plan_explain_and_tests_decide_alike_under_a_named_policy_and_name_the_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rules = (
        "policies:\n  default: {}\n  careful:\n    rules:\n"
        "      - {when: kind == 'proof', tier: standard, because: proofs are hard}\n"
        "kinds: {proof: {match: [prove], within: ask}}\n"
    )
    Path("routing.yaml").write_text(ROUTING.replace("[prove], points: 4", "[prove], points: 0.1") + rules)
    Path("flow.yaml").write_text('nano_flow: 1\nname: flow\nsteps:\n  long: {prompt: "Prove that it is so."}\n')
    Path("routing.test.yaml").write_text(
        "nano_flow: 1\ncases: {a: {prompt: Prove that it is so., policy: careful, expect: {tier: standard}}}\n"
    )
    assert run_command(["plan", "flow.yaml", "--policy", "careful", "--json"]) == 0
    (step,) = json.loads(capsys.readouterr().out)["steps"]
    by_step = document(capsys, "explain", "--step", "flow.yaml:long", "--policy", "careful")
    by_prompt = document(capsys, "explain", "Prove that it is so.", "--policy", "careful")
    assert step["route"]["tier"] == by_step["tier"] == by_prompt["tier"] == "standard"
    told = {"at": "routing.yaml:14", "because": "proofs are hard"}
    assert by_step["rule"] == by_prompt["rule"] == told and by_prompt["kind"] == "proof"
    assert document(capsys, "explain", "Prove that it is so.")["rule"] is None
    assert run_command(["policy", "test"]) == 0
    Path("other.yaml").write_text(ROUTING.replace("below: 3", "below: 0.01"))
    assert run_command(["plan", "flow.yaml", "--policy", "other.yaml", "--json"]) == 0
    capsys.readouterr()
    assert run_command(["plan", "flow.yaml", "--policy", "nope"]) == 2
    assert "policies of the routing document are: careful, default" in capsys.readouterr().err


def test_plan_scores_the_items_of_a_given_list_one_by_one_and_says_where_a_score_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("flow.yaml").write_text(
        "nano_flow: 1\nname: flow\ninputs: {items: {type: array}}\nsteps:\n"
        '  each: {for_each: inputs.items, prompt: "{{ item.text }}"}\n'
        '  sum: {prompt: "Sum up {{ steps.each.output }}"}\n'
        '  pinned: {prompt: "Sum up {{ steps.each.output }}", model: openai/gpt-5}\n'
        '  graded: {prompt: "Sum up {{ steps.each.output }}", complexity: 1}\n'
    )
    items = json.dumps([{"text": "Say it"}, {"text": "Say that"}, {"text": "Prove it"}])
    assert run_command(["plan", "flow.yaml", "-i", f"items={items}", "--json"]) == 0
    each, total, pinned, graded = (step["route"] for step in json.loads(capsys.readouterr().out)["steps"])
    assert each["tiers"] == {"simple": 2, "standard": 1} and each["score_known"] and each["tier"] == "simple"
    assert total["score"] is None and not total["score_known"] and list(total["tiers"]) == ["simple", "standard"]
    assert "tiers" not in pinned and graded["score"] == 1
    assert run_command(["plan", "flow.yaml", "-i", f"items={items}"]) == 0
    said = capsys.readouterr().out
    assert "2 simple, 1 standard" in said and "simple–standard unknown" in said
    assert run_command(["plan", "flow.yaml", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["steps"][0]["route"]["score_known"]
