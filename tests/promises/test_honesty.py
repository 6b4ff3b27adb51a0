"""Promises 23 to 29: what is said is what is, to everybody, everywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nano_flow
from nano_flow.core.errors import DocumentError
from tests.cli.said import Said

HEAD = "nano_flow: 1\nname: w\n"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def write(text: str, name: str = "w.yaml") -> None:
    Path(name).write_text(f"{HEAD}{text}\n")


BAD = {
    "an unknown key": "steps: {a: {promt: hi}}",
    "an unknown step": "steps: {a: {set: {x: '{{ steps.b.output }}'}}}",
    "a cycle": "steps: {a: {needs: [b], set: {x: 1}}, b: {needs: [a], set: {x: 1}}}",
    "an unknown tag": "steps: {a: {prompt: hi, tags: [privat]}}",
    "a value as code": "inputs: {x: {type: string}}\nsteps: {a: {run: [sh, -c, '{{ inputs.x }}']}}",
}


@pytest.mark.parametrize("what", BAD)
def test_promise_23_one_document_has_one_verdict(said: Said, what: str) -> None:
    write(BAD[what])
    given = ["-i", "x=1"] if "inputs" in BAD[what] else []
    heard = []
    for words in (["validate", "w.yaml"], ["plan", "w.yaml", *given], ["run", "w.yaml", "--offline", *given]):
        said(*words, code=3)
        heard.append(set(re.findall(r"w\.yaml:\d+:\d+ +error (NF\d+)", said.out + said.err)))
    with pytest.raises(DocumentError) as caught:
        nano_flow.run("w.yaml", {"x": "1"} if given else {}, options=nano_flow.RunOptions(offline=True))
    heard.append({found.code for found in caught.value.diagnostics if found.severity == "error"})
    assert heard[0] != set() and all(codes == heard[0] for codes in heard)


FAULTS: dict[str, tuple[list[str], int, str]] = {
    "no file": (["run", "gone.yaml"], 3, '"gone.yaml" does not exist'),
    "no run": (["resume"], 1, "nano-flow run"),
    "a missing input": (["run", "inputs.yaml"], 2, "-i x="),
    "a typo in a command": (["valdate"], 2, "validate"),
    "a bad document": (["validate", "bad.yaml"], 3, "did you mean"),
    "a failed command": (["run", "fails.yaml", "-q"], 1, "nano-flow resume"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_promise_24_an_error_says_what_where_and_what_to_type(said: Said, what: str) -> None:
    write("inputs: {x: {type: string}}\nsteps: {a: {set: {y: 1}}}", "inputs.yaml")
    write("steps: {a: {promt: hi}}", "bad.yaml")
    write("steps: {a: {run: [sh, -c, 'echo broken >&2; exit 3']}}", "fails.yaml")
    words, code, hint = FAULTS[what]
    said(*words, code=code)
    told = said.out + said.err
    assert hint in told and "Traceback" not in told
    assert what != "a failed command" or ("exit code 3" in told and "broken" in told)


def test_promise_25_an_answer_serves_the_question_that_was_asked(said: Said) -> None:
    step = "steps:\n  ok: {approve: {message: 'Delete %s?'}}\n  go: {needs: [ok], run: [touch, deleted]}"
    write(step % "staging")
    said("run", "w.yaml", "-q", code=6)
    said("approvals", "answer", "last", "ok", "approve", "-q")
    write(step % "production")
    said("resume", "-q", "--accept-changes", code=6)
    assert "Delete production?" in said("approvals", "list") and not Path("deleted").exists()


def test_promise_26_data_is_whole_or_its_bound_is_named(said: Said) -> None:
    big = f"[{sys.executable}, -c, \"print('x' * 1500000)\"]"
    write(f"steps: {{a: {{run: {big}}}}}\noutputs: {{o: '{{{{ steps.a.output.stdout }}}}'}}")
    said("run", "w.yaml", "-q", code=1)
    assert "output_limit" in said.err and "max_output" in said.err
    write(f"steps: {{a: {{run: {big}, max_output: 2M}}}}\noutputs: {{o: '{{{{ steps.a.output.stdout | length }}}}'}}")
    assert said.json("run", "w.yaml", "-q")["outputs"] == {"o": 1_500_000}
    write(f"steps: {{a: {{run: {big}}}}}")
    said("run", "w.yaml")
    assert "1,500,00" in said.out + said.err + said("runs", "logs", "last")


@pytest.mark.parametrize("tag", ["pii", "PII", "Pii"])
def test_promise_27_no_rule_fails_open(said: Said, tag: str) -> None:
    Path("routing.yaml").write_text(
        "nano_flow: 1\ntags: [pii]\ntiers: {one: {models: [openai/gpt-5-mini, sim/small]}}\n"
        "policies: {default: {rules: [{when: \"'pii' in tags\", provider: ollama, fallback: false}]}}\n"
    )
    write(f"steps: {{a: {{prompt: hi, tags: [{tag}], model: openai/gpt-5-mini}}}}")
    said("validate", "w.yaml", code=3)
    assert "ollama" in said.out or "rule" in said.out
    write("steps: {a: {prompt: hi, tags: [pi]}}")
    said("validate", "w.yaml", code=3)
    assert "tags: [pii, pi]" in said.out


def test_promise_28_nothing_depends_on_terminal_locale_or_folder(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder in (project / ".git", project / "deep", elsewhere):
        folder.mkdir(parents=True)
    (project / "w.yaml").write_text(
        f"{HEAD}steps: {{a: {{set: {{x: 'Grüße 😀'}}}}, b: {{run: [pwd]}}}}\n"
        "outputs: {x: '{{ steps.a.output.x }}', pwd: '{{ steps.b.output.stdout }}'}\n",
        "utf-8",
    )
    heard = []
    for folder, changes in (
        (project, {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLUMNS": "200"}),
        (project / "deep", {"LC_ALL": "C", "TERM": "dumb", "COLUMNS": "20", "PYTHONUTF8": "0"}),
        (elsewhere, {"LC_ALL": "POSIX", "NO_COLOR": "1", "PYTHONIOENCODING": "latin-1"}),
    ):
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(elsewhere),
            "PYTHONPATH": os.pathsep.join(sys.path),
            **changes,
        }
        command = [sys.executable, "-m", "nano_flow", "run", str(project / "w.yaml"), "--json", "-q"]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        heard.append(json.loads(done.stdout.decode("utf-8"))["outputs"])
    assert heard == [{"x": "Grüße 😀", "pwd": os.path.realpath(project)}] * 3
    assert list(tmp_path.rglob(".nano-flow")) == [project / ".nano-flow"]


def test_promise_29_budgets_over_runs_hold_for_later_runs_and_move_no_pinned_model(tmp_path: Path) -> None:
    from tests.integration.billing_server import billing_server
    from tests.integration.test_shared_budgets import BUDGET, project, run

    with billing_server() as (url, bill):
        folder = project(tmp_path, url, "on_exceed: stop")
        ends: list[tuple[int, Any]] = [run(folder, name)[0] for name in ("one", "two", "one")]
        assert bill.spent <= BUDGET and [code for code, _ in ends][-1] == 5
        assert "the budget of 0.003 USD a day" in str(ends[-1][1]["error"])
        models = {attempt["model"] for _, end in ends for step in end["steps"] for attempt in step["attempts"]}
        assert models <= {"loop/m"}
