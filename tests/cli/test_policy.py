"""``nano-flow policy``: explain, test, diff, replay, in a project with a run behind it."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command

ROUTING = """nano_flow: 1
complexity:
  signals:
    - {name: length, feature: prompt_words, curve: [[0, 0], [10, 2], [20, 8]]}
    - {name: hard, match: [prove], points: 4}
tiers:
  simple: {below: 3, models: [openai/gpt-5-nano, sim/small]}
  standard: {models: [openai/gpt-5, sim/large]}
tags: [law]
"""
FLOW = """nano_flow: 1
name: flow
inputs: {topic: {type: string, default: tea}}
steps:
  short: {prompt: "Say a word about {{ inputs.topic }}."}
  long: {prompt: "Prove in three ways that {{ steps.short.output }} is so."}
"""
TESTS = """nano_flow: 1
cases:
  a word is simple:
    prompt: Say a word.
    expect: {tier: simple, model: openai/gpt-5-nano, score: {at_most: 2}}
  a proof is not:
    prompt: Prove that it is so.
    expect: {provider: openai, candidates: [openai/gpt-5], refused: [sim/large]}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "for-tests-only")
    (tmp_path / "routing.yaml").write_text(ROUTING)
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "routing.test.yaml").write_text(TESTS)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run_command(["policy", *arguments]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    found = json.loads(shown(capsys, *arguments, "--json", code=code))
    assert isinstance(found, dict)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run_command(["policy", *arguments]) == 2
    return capsys.readouterr().err


def git(*arguments: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def committed() -> None:
    git("init", "-q", ".")
    git("add", "routing.yaml", "flow.yaml", "routing.test.yaml")
    git("commit", "-qm", "first")


def test_explain_shows_points_candidates_cost_and_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "explain", "Prove it")
    assert text.startswith("score 4.4 → standard → openai/gpt-5\n")
    assert "hard     +4.00  routing.yaml:5  prove" in text
    assert "1  openai/gpt-5  $" in text
    assert "sim/large  simulated: a candidate only offline" in text
    found = document(capsys, "explain", "Prove it", "--tag", "law", "--tools", "2")
    assert found["schema"] == "nano-flow/decision@1" and found["facts"]["tags"] == ["law"]
    assert "add to routing.yaml: tags: [law, tax]" in refused(capsys, "explain", "Prove it", "--tag", "tax")
    assert found["model"] == "openai/gpt-5" and found["expected"]["openai/gpt-5"]["cost_usd"]


def test_explain_reads_files_and_says_when_credentials_are_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("p.txt").write_text("Prove it")
    assert document(capsys, "explain", "@p.txt")["tier"] == "standard"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "note: no credentials were found" in shown(capsys, "explain", "Say it")


def test_explain_of_a_step_and_of_a_recorded_decision(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "explain", "--step", "flow.yaml:short")["tier"] == "simple"
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    capsys.readouterr()
    found = document(capsys, "explain", "--run", "last", "long")
    assert found["model"] == "sim/large" and found["because"][-1]["found"] == ["prove"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain"], "give one of PROMPT, --step FILE:STEP and --run RUN ADDRESS"),
        (["explain", "a", "--step", "f:s"], "give one of PROMPT"),
        (["explain", "--step", "flow.yaml"], "needs the form FILE:STEP"),
        (["explain", "--step", "flow.yaml:nope"], "prompt steps are: short, long"),
        (["explain", "@nothing.txt"], '"@nothing.txt" cannot be read'),
        (["explain", "a", "--model", "openai/"], '"openai/" is no model: expected provider/model'),
        (["explain", "a", "--model", "gpt-5"], 'there is no tier "gpt-5"'),
        (["explain", "--step", "flow.yaml:short", "--tag", "x"], "--tag tell of the step that a PROMPT would have"),
        (["explain", "a", "--workflow", "nothing.yaml"], "'nothing.yaml' does not exist"),
        (["diff", "a...b"], '"a...b" has three dots: write a..b'),
        (["diff", ".git-less"], "there is no git repository here"),
        (["train", "flow.yaml", "--write", "--out", "none/x.yaml"], 'there is no folder "none"'),
        (["explain", "a", "--policy", "nope"], 'there is no policy "nope"; policies are: default'),
        (["test", "nothing"], '"nothing" does not exist'),
        (["diff", "HEAD"], "there is no git repository here"),
        (["replay"], "no recorded call was found"),
        (["replay", "--labels", "nothing.csv"], "no recorded call was found"),
        (["train", "nothing.csv"], '"nothing.csv" cannot be read'),
        (["train", "nothing.csv", "--since", "7d"], "give either them or files of outcomes"),
        (["train"], "the journal cannot be learned from yet: no prompt has outcomes"),
    ],
)
def test_wrong_words_are_answered(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(capsys, *arguments)


def test_a_run_without_such_a_step_names_those_that_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    assert 'asked no model at "nope"; it did at: short, long' in refused(capsys, "explain", "--run", "last", "nope")


def test_policy_tests_pass_fail_and_are_selected(capsys: pytest.CaptureFixture[str]) -> None:
    assert "2 passed, 0 failed" in shown(capsys, "test")
    Path("routing.yaml").write_text(ROUTING.replace("points: 4", "points: 1"))
    text = shown(capsys, "test", code=1)
    assert "FAILED routing.test.yaml:6  a proof is not" in text and 'candidates: expected ["openai/gpt-5"]' in text
    found = document(capsys, "test", "routing.test.yaml", "-k", "word")
    assert (found["schema"], found["passed"], len(found["cases"])) == ("nano-flow/tests@1", 1, 1)
    shown(capsys, "test", "-k", "nothing like it", code=1)
    assert run_command(["test"]) == 1


def test_a_test_may_name_its_routing_document_and_replace_facts(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.yaml").write_text(ROUTING.replace("below: 3", "below: 9"))
    Path("routing.test.yaml").write_text(
        "nano_flow: 1\nrouting: other.yaml\ncases:\n"
        "  long: {prompt: a, facts: {prompt_words: 15}, tools: [read_file], expect: {score: 5, tier: simple}}\n"
        "  wrong: {prompt: a, facts: {words: 15}, expect: {tier: simple}}\n"
    )
    text = shown(capsys, "test", code=1)
    assert "ok     routing.test.yaml:4  long" in text
    assert 'the case could not be decided: there is no fact "words"' in text


def test_diff_between_the_last_commit_and_the_working_tree(capsys: pytest.CaptureFixture[str]) -> None:
    committed()
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    capsys.readouterr()
    assert "0 of 6 requests move from HEAD to the working tree" in shown(capsys, "diff", "--exit-code")
    Path("routing.yaml").write_text(ROUTING.replace("points: 4", "points: 0.5"))
    text = shown(capsys, "diff", "--exit-code", code=7)
    assert "2 of 6 requests move" in text and "Broken tests:" in text
    assert "flow.yaml:long" in text and "flow.yaml:short" not in text
    found = document(capsys, "diff", "HEAD..HEAD")
    assert (found["schema"], found["moved"]) == ("nano-flow/policy-diff@1", 0)
    found = document(capsys, "diff", "HEAD")
    assert {change["kind"] for change in found["changes"]} == {"test", "workflow"}
    assert found["broken_tests"][0]["where"] == "routing.test.yaml: a proof is not"
    markdown = shown(capsys, "diff", "--format", "markdown")
    assert markdown.startswith("### Routing: 2 of 6") and "| request | before | after |" in markdown


def test_diff_between_files_tells_fixed_tests_and_what_it_could_not_compare(capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.yaml").write_text(ROUTING.replace("[prove]", "[demonstrate]"))
    Path("new").mkdir()
    Path("new/routing.yaml").write_text(ROUTING)
    Path("broken.yaml").write_text("nano_flow: 1\nname: x\nsteps: {a: {prompt: '{{ steps.b.output }}'}}\n")
    Path("mine.test.yaml").write_text(
        "nano_flow: 1\nrouting: old.yaml\ncases: {a: {prompt: a, expect: {tier: simple}}}\n"
    )
    text = shown(capsys, "diff", "old.yaml..new", "--runs", "0")
    assert "Fixed tests:\n  routing.test.yaml: a proof is not" in text
    assert "broken.yaml could not be planned" in text


def test_new_words_are_looked_for_in_kept_texts_and_else_cannot_be_found_which_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    Path("new.yaml").write_text(ROUTING.replace("{name: hard, match: [prove]", "{name: hard, match: [prove, say]"))
    capsys.readouterr()
    kept = document(capsys, "replay", "new.yaml")
    assert (kept["moved"], kept["unsure_calls"], kept["kept_texts"]) == (1, 0, 2)
    assert run_command(["runs", "prune", "--texts"]) == 0
    Path("new.yaml").write_text(ROUTING.replace("[prove]", "[prove, ways]"))
    capsys.readouterr()
    text = shown(capsys, "diff", "routing.yaml..new.yaml")
    assert '2 recorded calls: words that are new in "hard" count as not found' in text
    assert "2 calls: words that are new" in shown(capsys, "replay", "new.yaml")


def test_replay_prices_recorded_calls_under_a_candidate(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    Path("dear.yaml").write_text(ROUTING.replace("below: 3", "below: 0.1"))
    Path("labels.jsonl").write_text(
        '{"prompt": "Prove it", "model": "openai/gpt-5", "right": true}\n'
        '{"prompt": "Prove it", "model": "openai/gpt-5-nano", "right": false}\n'
    )
    capsys.readouterr()
    found = document(capsys, "replay", "dear.yaml", "--labels", "labels.jsonl")
    assert found["tiers"] == {"before": {"simple": 1, "standard": 1}, "after": {"standard": 2}}
    assert found["calls"] == 2 and found["moved"] == 1
    assert float(found["cost_usd"]["after"]) > 0 and float(found["cost_usd"]["before"]) > 0
    assert found["quality"]["right"] == 1 and 0 < found["quality"]["low"] < 1
    text = shown(capsys, "replay", "--run", "last", "--since", "1h", "--labels", "labels.jsonl")
    assert "2 recorded calls under the working tree" in text and "quality 1.000 (" in text


def test_revisions_that_cannot_be_read_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    committed()
    assert 'there is no revision "nope"' in refused(capsys, "diff", "nope")
    Path("routing.yaml").write_text("nano_flow: 1\n")
    git("commit", "-qam", "broken")
    Path("routing.yaml").write_text(ROUTING)
    assert run_command(["policy", "diff", "HEAD"]) == 3
    assert "HEAD:routing.yaml:1:1" in capsys.readouterr().err
    Path("providers.yaml").write_text("nano_flow: 1\nproviders: {openai: {litellm: openai}}\n")
    assert '"providers.yaml" does not exist at HEAD' in refused(capsys, "diff", "HEAD")


def test_policy_tests_run_beside_workflow_tests(capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.test.yaml").write_text(
        "nano_flow: 1\nrouting: routing.yaml\ncases: {a: {prompt: a, expect: {tier: simple}}}\n"
    )
    assert run_command(["test"]) == 0
    assert "3 passed, 0 failed" in capsys.readouterr().out


def test_a_learned_score_and_pinned_steps_are_replayed_as_far_as_facts_go(capsys: pytest.CaptureFixture[str]) -> None:
    Path("flow.yaml").write_text(
        FLOW.replace(
            'inputs.topic }}."}', 'inputs.topic }}.", complexity: {at_least: 4}, fallback: [openai/gpt-5]}'
        ).replace('is so."}', 'is so.", model: openai/gpt-5-nano, fallback: false}')
    )
    assert run_command(["run", "flow.yaml", "--offline", "--no-prompts"]) == 0
    learned = "learned: 1\ncurve: [[0, 0], [1, 10]]\nmodel: {trees: [[prompt_words, 5, 0, 1]], words: {prove: 0.1}}\n"
    Path("complexity.learned.yaml").write_text(learned)
    new = ROUTING.replace("complexity:\n", "complexity:\n  learned: {file: complexity.learned.yaml, weight: 0.5}\n")
    Path("learned.yaml").write_text(new)
    capsys.readouterr()
    found = document(capsys, "diff", "routing.yaml..learned.yaml")
    assert any('"learned" count as not found' in note for note in found["notes"])
    assert not [change for change in found["changes"] if change["kind"] == "run"]


def test_a_prompt_that_is_no_text_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("p.bin").write_bytes(b"\xff\xfe")
    assert '"@p.bin" cannot be read: is not UTF-8 text' in refused(capsys, "explain", "@p.bin")
    assert '"p.bin" cannot be read: it is not UTF-8 text' in refused(capsys, "train", "p.bin")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), "utf-8"))
    assert "stdin is not UTF-8 text" in refused(capsys, "explain", "-")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Prove it"), "utf-8"))
    assert document(capsys, "explain", "-")["tier"] == "standard"


def test_a_reply_that_a_cascade_gave_up_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    signal = "{name: any, feature: reply_words, curve: [[0, 5]]}"
    cascade = f"cascade: {{tiers: [simple, standard], signals: [{signal}], escalate_at: 5}}\n"
    Path("routing.yaml").write_text(ROUTING + cascade)
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    capsys.readouterr()
    text = shown(capsys, "explain", "--run", "last", "short")
    assert "the reply of sim/small (simple) was given up: it scores 5.0, escalate_at is 5.0" in text
    assert "any      +5.00  routing.yaml:10" in text and "→ standard → sim/large" in text
    assert "cascade: simple first, its reply is judged" in text
    (verdict,) = document(capsys, "explain", "--run", "last", "short")["cascade_verdicts"]
    assert verdict["model"] == "sim/small" and verdict["escalate"] is True
    Path("routing.yaml").write_text(ROUTING + cascade.replace("escalate_at: 5", "escalate_at: 6"))
    assert run_command(["run", "flow.yaml", "--offline"]) == 0
    capsys.readouterr()
    assert "the reply of sim/small (simple) was kept: it scores 5.0" in shown(
        capsys, "explain", "--run", "last", "short"
    )


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("policy: nope", 'there is no policy "nope"; policies are: default'),
        ("facts: {upstream_token: 1}", 'there is no fact "upstream_token"; did you mean "upstream_tokens"?'),
        ("facts: {upstream_tokens: many}", 'the fact "upstream_tokens" is a number, found "many"'),
        ("facts: {tags: pii}", 'the fact "tags" is a list, found "pii"'),
        ("facts: {has_images: 1}", 'the fact "has_images" is true or false, found 1'),
        ("facts: {zzz: 1}", "docs/routing.md lists them"),
    ],
)
def test_a_case_that_cannot_be_decided_fails(case: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("routing.test.yaml").write_text(f"nano_flow: 1\ncases: {{c: {{prompt: x, {case}, expect: {{}}}}}}\n")
    assert said in shown(capsys, "test", code=1)


def test_documents_of_another_kind_and_what_is_not_there_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    Path("flow.test.yaml").write_text("nano_flow: 1\nworkflow: flow.yaml\ncases: {c: {expect: {}}}\n")
    Path("own.test.yaml").write_text("nano_flow: 1\nrouting: no.yaml\ncases: {c: {prompt: x, expect: {}}}\n")
    Path("bare.test.yaml").write_text("nano_flow: 1\ncases: {c: {prompt: x, expect: {tier: simple}}}\n")
    for file, said in (
        ("flow.yaml", "NF200  this holds no policy tests"),
        ("flow.test.yaml", "nano-flow test flow.test.yaml runs tests of workflows"),
        ("own.test.yaml", 'own.test.yaml:2:10  error NF601  "no.yaml" does not exist'),
    ):
        assert run_command(["policy", "test", file]) == 3
        assert said in capsys.readouterr().err
    assert run_command(["validate", "own.test.yaml"]) == 3
    assert 'own.test.yaml:2:10  error NF601  "no.yaml" does not exist' in "".join(capsys.readouterr())
    assert run_command(["validate", "bare.test.yaml"]) == 0
    capsys.readouterr()
    assert "1 passed" in shown(capsys, "test", "bare.test.yaml")


def test_what_only_the_base_could_decide_counts_as_a_difference(capsys: pytest.CaptureFixture[str]) -> None:
    thrifty = "policies: {thrifty: {choose: cheapest}}\n"
    Path("routing.yaml").write_text(ROUTING + thrifty)
    Path("flow.yaml").write_text("nano_flow: 1\nname: flow\nsteps: {short: {prompt: Hi, policy: thrifty}}\n")
    Path("routing.test.yaml").write_text(
        "nano_flow: 1\ncases: {c: {prompt: x, policy: thrifty, expect: {tier: simple}}}\n"
    )
    committed()
    Path("routing.yaml").write_text(ROUTING)
    found = document(capsys, "diff", "--exit-code", code=7)
    assert "no policy" in found["broken_tests"][0]["problems"][0]
    assert found["refused_workflows"][0]["where"] == "flow.yaml"
    assert "Workflows that the working tree refuses:" in shown(capsys, "diff")


def test_positions_of_a_revision_name_it_and_a_path_above_is_one_side(capsys: pytest.CaptureFixture[str]) -> None:
    rule = "policies: {default: {rules: [{when: \"'LAW' in tags\", tier: simple}]}}\n"
    Path("routing.yaml").write_text(ROUTING + rule)
    Path("routing.test.yaml").write_text(TESTS)
    committed()
    from nano_flow.locate import policy_files
    from nano_flow.review.revisions import side, split_range

    revision = side("HEAD", policy_files(Path.cwd(), None, Path.cwd()))
    assert revision.policies.routing.rules_of("default").rules[0].at == "HEAD:routing.yaml:10"
    assert split_range("../a.yaml") == ("../a.yaml", "")
    assert split_range("../a.yaml..../b.yaml") == ("../a.yaml", "../b.yaml")
    assert [split_range(text) for text in ("..b", "a..", "a..b", "", "..")] == [
        ("HEAD", "b"), ("a", "HEAD"), ("a", "b"), ("HEAD", ""), ("HEAD", "HEAD"),
    ]  # fmt: skip
    Path("empty").mkdir()
    assert '"empty" holds none of providers.yaml' in refused(capsys, "diff", "empty")


def test_the_example_of_the_documentation_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[2]
    for name in ("providers.yaml", "routing.yaml", "pricing.yaml"):
        Path(name).write_text((root / name).read_text("utf-8"), "utf-8")
    page = (root / "docs" / "routing.md").read_text("utf-8")
    example = page.partition('policy explain "Write')[2].partition("```")[0]
    prompt, _, expected = example.partition('"\n')
    printed = shown(capsys, "explain", "Write" + prompt).splitlines()
    lines = [line for line in expected.splitlines() if line != "…"]
    assert len(lines) > 5 and set(lines) <= set(printed)
