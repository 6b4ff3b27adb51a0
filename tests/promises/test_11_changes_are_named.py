"""Promise 11: what a run depends on outside of its steps is compared before anything is asked again, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command

PROVIDERS = (
    "nano_flow: 1\nproviders: {sim: {adapter: sim, models: {small: {context_window: 32k, max_output_tokens: 4k}}}}\n"
)
WORKFLOW = """nano_flow: 1
name: w
env: [TEAM, SOME_TOKEN]
steps:
  a: {prompt: "hi {{ env.TEAM }}, {{ env.SOME_TOKEN | length }}", attachments: [notes.txt], model: sim/small}
  ask: {needs: [a], approve: {message: "go on?"}}
"""


@pytest.fixture
def paused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEAM", "red")
    monkeypatch.setenv("SOME_TOKEN", "tok-0123456789")
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    (tmp_path / "notes.txt").write_text("one")
    (tmp_path / "providers.yaml").write_text(PROVIDERS)
    assert run_command(["run", "w.yaml", "-q"]) == 6
    capsys.readouterr()
    return tmp_path


CHANGES: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], object], str]] = {
    "a variable": (lambda _, patch: patch.setenv("TEAM", "blue"), '"env.TEAM"'),
    "a variable that is gone": (lambda _, patch: patch.delenv("TEAM"), '"env.TEAM"'),
    "an attached file": (lambda place, _: (place / "notes.txt").write_text("two"), '"files.notes.txt"'),
    "an attached file that is gone": (lambda place, _: (place / "notes.txt").unlink(), '"files.notes.txt"'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_outside_of_the_workflow_is_named_before_anything_runs(
    paused: Path, change: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, named = CHANGES[change]
    make(paused, monkeypatch)
    assert run_command(["resume", "-q"]) == 2
    said = capsys.readouterr().err
    assert named in said and "1 recorded model calls" in said and "--accept-changes" in said


def test_accepted_changes_are_not_named_again(
    paused: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEAM", "blue")
    (paused / "notes.txt").write_text("two")
    assert run_command(["resume", "-q", "--accept-changes"]) == 6
    assert "is asked and paid again" in capsys.readouterr().err
    assert run_command(["resume", "-q"]) == 6
    assert "again" not in capsys.readouterr().err


def test_a_new_key_is_no_change(paused: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "tok-9876543210")
    assert run_command(["resume", "-q"]) == 6
