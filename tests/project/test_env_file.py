"""The ``.env`` beside a project: what it may say, who sees it, and what it never becomes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import nano_flow
from nano_flow.core.errors import UsageError
from nano_flow.project.around.env_file import of_process, read_env_file, variables_beside
from tests.cli.said import Said

SECRET = "tok-0123456789-abcdef"
FLOW = """
nano_flow: 1
name: w
env: [COLOUR]
tools: {show: {description: d, run: [printenv, TOKEN], env: {TOKEN: "${TEAM_TOKEN}"}}}
steps:
  all: {run: [env], env: {GIVEN: "{{ env.COLOUR }}"}}
  one: {tool: show, on_error: continue}
  ask: {approve: {message: which, input: {type: string}}}
outputs: {env: "{{ steps.all.output.stdout }}", failed: "{{ steps.one.status }}", said: "{{ steps.ask.output.input }}"}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    (tmp_path / "inner").mkdir()
    (tmp_path / "routing.yaml").write_text("nano_flow: 1\nextends: shipped\n")
    (tmp_path / "inner" / "w.yaml").write_text(FLOW)
    lines = [f"export TEAM_TOKEN='{SECRET}'  # of the team", "COLOUR=deep blue", "LD_PRELOAD=/evil.so", "GIT_DIR=/x"]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path / "inner")
    return Said(capsys)


def test_a_value_reaches_what_declares_it_and_nothing_else(said: Said, tmp_path: Path) -> None:
    said("run", "w.yaml", code=6)
    assert "LD_PRELOAD, GIT_DIR: programs obey such variables" in said.err
    said("approvals", "answer", "last", "ask", "approve", "--input", f'"{SECRET}"')
    outputs = said.json("resume", "last")["outputs"]
    lines = outputs["env"].splitlines()
    assert "GIVEN=deep blue" in lines and outputs["failed"] == "succeeded" and outputs["said"] == "***"
    assert not [line for line in lines if line.startswith(("COLOUR=", "TEAM_TOKEN=", "LD_PRELOAD=", "GIT_DIR="))]
    assert not {"TEAM_TOKEN", "COLOUR", "LD_PRELOAD"} & set(os.environ)
    stored = b"".join(path.read_bytes() for path in (tmp_path / ".nano-flow").rglob("*") if path.is_file())
    assert SECRET.encode() not in stored


def test_the_environment_wins_and_the_file_can_be_left_out(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    said("run", "w.yaml", "--no-env-file", code=6)
    assert "TEAM_TOKEN, which is not set" in said.err
    monkeypatch.setenv("COLOUR", "red")
    said("run", "w.yaml", code=6)
    assert "GIVEN=red" in said("runs", "show", "--step", "all")


def test_a_line_that_is_wrong_is_told_with_its_place(said: Said, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n  nonsense\n")
    said("run", "w.yaml", code=2)
    assert ".env:2:3: expected NAME=value" in said.err and "nonsense" not in said.err
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").symlink_to("nowhere")
    said("doctor", code=2)
    assert "cannot be read" in said.err


def test_the_library_reads_it_too(said: Said, tmp_path: Path) -> None:
    flow = "nano_flow: 1\nname: v\nenv: [COLOUR]\nsteps: {a: {set: {v: '{{ env.COLOUR }}'}}}\n"
    Path("v.yaml").write_text(flow)
    assert nano_flow.run("v.yaml").outputs["a"] == {"v": "deep blue"}
    without = nano_flow.Where(env_file=False)
    assert nano_flow.run("v.yaml", where=without).outputs["a"] == {"v": None}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A = b c  # d", "b c"),
        ("A=", ""),
        ("A='x # y'", "x # y"),
        ('A="a=b"  # c', "a=b"),
        ("A=x#y", "x#y"),
        ("\ufeffA=1", "1"),
        ("A=${B}", "${B}"),
    ],
)
def test_forms_of_a_line(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    assert read_env_file(tmp_path / ".env") == {"A": value}


@pytest.mark.parametrize("line", ["ODD", "ODD B=c", "1A=b", "A='b", "A='b'c", "A-B=c", "=x", "A=b\0"])
def test_other_forms_are_refused_and_never_quoted(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"# first\n{line}\n")
    with pytest.raises(UsageError) as told:
        read_env_file(tmp_path / ".env")
    assert f"{tmp_path}/.env:2:" in str(told.value) and line not in str(told.value)


@pytest.mark.parametrize("name", ["PATH", "LD_LIBRARY_PATH", "BASH_ENV", "PYTHONPATH", "https_proxy", "GIT_SSH"])
def test_what_programs_obey_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / ".env").write_text(f"{name}=/evil\nMY_{name}=fine\n")
    found = variables_beside(tmp_path, {"KEPT": "1"})
    assert found == {"KEPT": "1", f"MY_{name}": "fine"} and found.passed_over == (name,)
    assert of_process(found) == {"KEPT": "1"}
