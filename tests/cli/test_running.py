"""``run``, ``ask`` and ``resume`` as typed: what they take, what they print, how they are stopped."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.said import Said, start

FLOW = """nano_flow: 1
name: flow
inputs: {topic: {type: string}, count: {type: integer, default: 1}}
steps:
  draft: {prompt: "Say {{ inputs.count }} words about {{ inputs.topic }}."}
outputs: {topic: "{{ inputs.topic }}", count: "{{ inputs.count }}", text: "{{ steps.draft.output }}"}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    (tmp_path / "flow.yaml").write_text(FLOW)
    return Said(capsys)


def test_inputs_are_given_by_file_and_by_word_and_words_win(said: Said) -> None:
    Path("inputs.yaml").write_text("topic: tea\ncount: 3\n")
    outputs = said.json("run", "flow.yaml", "--offline", "--inputs", "inputs.yaml", "-i", "topic=a=b")["outputs"]
    assert (outputs["topic"], outputs["count"]) == ("a=b", 3)
    Path("topic.txt").write_text("soil")
    assert "soil" in said("run", "flow.yaml", "--offline", "-i", "topic=@topic.txt")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["-i", "topic"], '"-i topic" needs the form NAME=VALUE or NAME=@FILE'),
        (["-i", "=x"], "needs the form NAME=VALUE"),
        (["-i", "topic=@gone.txt"], 'input "topic": "gone.txt" cannot be read: No such file'),
        (["-i", "topic=x", "-i", "count=many"], 'input "count"'),
        (["--inputs", "gone.yaml"], '"gone.yaml" cannot be read: No such file'),
        (["-i", "topic=x", "--budget", "much"], '"much" is not an amount of US dollars such as 0.50'),
        (["-i", "topic=x", "--budget", "-1"], '"-1" is not an amount'),
        (["-i", "topic=x", "--budget", "inf"], '"inf" is not an amount'),
    ],
)
def test_what_cannot_be_taken_is_named_and_nothing_starts(said: Said, words: list[str], problem: str) -> None:
    said("run", "flow.yaml", "--offline", *words, code=2)
    assert problem in said.err
    assert not Path(".nano-flow").exists()


def test_a_budget_may_have_its_sign_and_binds_the_run(said: Said) -> None:
    said("run", "flow.yaml", "--offline", "-i", "topic=x", "--budget", "$0.000000001", code=5)
    assert "budget" in said.err + said.out
    resumed = said.json("resume", "last", "--budget", "1")
    assert resumed["status"] == "succeeded"


def test_events_are_one_object_a_line(said: Said) -> None:
    lines = said("run", "flow.yaml", "--offline", "-i", "topic=x", "--json=events").splitlines()
    kinds = [json.loads(line)["event"] for line in lines]
    assert (kinds[0], kinds[-1]) == ("RunStarted", "RunFinished") and "TextStreamed" in kinds


def test_ask_puts_what_is_piped_below_the_prompt(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("def f(): ..."))
    assert said("ask", "Name this function", "--offline").strip()
    monkeypatch.setattr(sys, "stdin", io.StringIO("  \n"))
    assert said("ask", "Name this function", "--offline").strip()
    logs = [said.json("runs", "logs", run["run_id"])["events"] for run in said.json("runs")["runs"]]
    prompts = [events[0]["inputs"]["prompt"] for events in logs]
    assert prompts == ["Name this function", "Name this function\n\ndef f(): ..."]


def test_ask_refuses_an_empty_prompt_and_what_is_no_text(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    said("ask", " ", "--offline", code=2)
    assert "the prompt is empty" in said.err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), "utf-8"))
    said("ask", "What is it?", "--offline", code=2)
    assert "standard input cannot be read as text" in said.err


@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("INT", 130)])
def test_a_signal_pauses_a_run_and_says_how_to_go_on(tmp_path: Path, signal: str, code: int) -> None:
    (tmp_path / "w.yaml").write_text(
        f"nano_flow: 1\nname: w\nsteps:\n  a: {{run: [sh, -c, 'kill -{signal} $PPID; sleep 600']}}\n"
    )
    run = start(tmp_path, "run", "w.yaml", "--offline")
    out, err = run.communicate(timeout=60)
    assert run.returncode == code, err
    assert "run paused (interrupt)" in err and "nano-flow resume" in out


@pytest.mark.parametrize(("shell", "line"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --no")])
def test_completion_is_a_script_of_the_shell(said: Said, shell: str, line: str) -> None:
    script = said("completion", shell)
    assert line in script and "_NANO_FLOW_COMPLETE" in script


def test_completion_offers_commands(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_NANO_FLOW_COMPLETE", "bash_complete"), ("COMP_WORDS", "nano-flow re"), ("COMP_CWORD", "1")):
        monkeypatch.setenv(name, value)
    assert said() == "plain,resume\n"
