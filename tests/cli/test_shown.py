"""What a person sees the morning after: why a step failed, with which inputs, what was asked and answered."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.said import Said

NIGHT = """
nano_flow: 1
name: night
inputs: {day: {type: string, default: monday}}
steps:
  ask: {prompt: "What is due on {{ inputs.day }}?", model: sim/small}
  note:
    for_each: "range(30)"
    on_item_failure: continue
    steps: {a: {run: "echo out-$I; [ $I != 17 ] || { echo the disk is full >&2; exit 4; }", env: {I: "{{ item }}"}}}
  last: {needs: [note], run: "echo nearly; echo because >&2; exit 3"}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("night.yaml").write_text(NIGHT)
    said = Said(capsys)
    said("run", "night.yaml", "--offline", "-i", "day=tuesday", code=1)
    return said


def test_what_failed_and_the_inputs_stand_first_and_long_lists_are_folded(said: Said) -> None:
    lines = said("runs", "show").splitlines()
    assert lines[0].startswith("night: failed in")
    assert lines[1].startswith("note[17].a: command: exit code 4: the disk is full")
    assert lines[2].startswith("last: command: exit code 3: because")
    assert "day: tuesday" in lines[3:6] and len(lines) < 25
    assert any("note ×30" in line and "29 of 30 done" in line and line.startswith("✓") for line in lines)
    assert len(said("runs", "show", "--full").splitlines()) > 60
    assert said.json("runs", "show")["inputs"]["day"] == "tuesday"
    whole = said.json("runs", "show", "--step", "note")
    assert (whole["items"], whole["succeeded"], whole["failed"]) == (30, 29, 1)


def test_one_command_says_why_everything_that_failed_did(said: Said) -> None:
    told = said("runs", "logs", "--failed")
    for line in ("note[17].a: command: exit code 4", "stdout  out-17", "stderr  the disk is full", "exit code 3"):
        assert line in told
    rows = said.json("runs", "logs", "--failed")["failures"]
    assert [row["address"] for row in rows] == ["note[17].a", "last"]
    assert rows[1]["exchanges"][0]["result"] == {"stdout": "nearly\n", "stderr": "because\n", "exit_code": 3}
    assert "stderr  because" in said("runs", "logs", "--step", "last")


def test_what_was_asked_and_answered_is_kept(said: Said) -> None:
    told = said.json("runs", "show", "--step", "ask")["exchanges"]
    assert [entry["what"] for entry in told] == ["asked", "answered"]
    assert told[0]["messages"] == [{"role": "user", "content": "What is due on tuesday?"}]
    assert "What is due on tuesday?" in said("runs", "show", "--step", "ask")
    assert '"prune"' not in said("runs", "prune", "--texts")
    assert "dropped, or never kept" in said("runs", "show", "--step", "ask")
    assert said.json("cost")["total"]["calls"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("name: night", "name: night\nrecord: {prompts: false}"), []),
        (("model: sim/small", "model: sim/small, record: {prompts: false}"), []),
        (("", ""), ["--no-prompts"]),
    ],
)
def test_prompts_need_not_be_kept(said: Said, change: tuple[str, str], words: list[str]) -> None:
    Path("night.yaml").write_text(NIGHT.replace(*change, 1))
    said("run", "night.yaml", "--offline", *words, code=1)
    told = said.json("runs", "show", "--step", "ask")["exchanges"]
    assert [entry["what"] for entry in told] == ["answered"]


def test_a_text_is_kept_once_compressed_and_goes_with_its_last_run(said: Said) -> None:
    text = "Consider the tides of the sea, the phases of the moon and what both mean for sailors. " * 20
    step = f'{{for_each: "range(50)", model: sim/small, prompt: "{text}{{{{ item }}}}"}}'
    Path("many.yaml").write_text(f"nano_flow: 1\nname: many\nsteps: {{p: {step}}}")
    for _ in range(2):
        said("run", "many.yaml", "--offline")
    with sqlite3.connect(".nano-flow/state.db") as store:
        count, size = store.execute(
            "SELECT count(*), sum(length(value) + length(name)) FROM marks WHERE kind = 'text'"
        ).fetchone()
    assert count == 51 and size < 0.1 * 50 * len(text)
    said("runs", "prune", "--keep", "0")
    with sqlite3.connect(".nano-flow/state.db") as store:
        assert store.execute("SELECT count(*) FROM marks WHERE kind = 'text'").fetchone() == (0,)


def test_no_secret_is_kept_with_a_text(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    Path("leak.yaml").write_text(
        "nano_flow: 1\nname: leak\nenv: [OPENAI_API_KEY]\n"
        'steps: {p: {model: sim/small, prompt: "My key is {{ env.OPENAI_API_KEY }}, say nothing."}}'
    )
    said("run", "leak.yaml", "--offline")
    (asked, _) = said.json("runs", "show", "--step", "p")["exchanges"]
    assert asked["messages"][0]["content"] == "My key is ***, say nothing."
    assert all(b"canary" not in path.read_bytes() for path in Path(".nano-flow").iterdir())


def test_runs_are_found_by_what_went_wrong_and_started_again(said: Said) -> None:
    assert "last: " in said("runs", "list", "--failed") and "because" in said.out
    for text, count in (("disk is full", 1), ("tuesday", 1), ("nobody", 0)):
        assert len(said.json("runs", "list", "--search", text)["runs"]) == count
    said("runs", "rerun", "last", "-i", "day=friday", code=1)
    assert said.json("runs", "show")["inputs"]["day"] == "friday"
    changes = said.json("runs", "diff", "last")["run"]
    assert changes["inputs.day"] == {"a": "tuesday", "b": "friday"}
    assert said.json("runs", "list")["runs"][0]["failed_at"] == "last"


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("{when: \"'tuesday' in prompt\", record: {prompts: false}}", False),
        ("{when: \"'monday' in prompt\", record: {prompts: false}}", True),
        ("{model: sim/medium}, {record: {prompts: false}}", False),
        ("{record: {prompts: true}}", True),
    ],
)
def test_a_rule_may_forbid_to_keep_what_is_asked(said: Said, rule: str, kept: bool) -> None:
    Path("routing.yaml").write_text(f"nano_flow: 1\nextends: shipped\npolicies: {{default: {{rules: [{rule}]}}}}\n")
    said("run", "night.yaml", "--offline", "-i", "day=tuesday", code=1)
    told = said.json("runs", "show", "--step", "ask")["exchanges"]
    assert ("asked" in [entry["what"] for entry in told]) is kept
    assert told[-1]["what"] == "answered" and said.json("cost")["total"]["calls"] == 2
