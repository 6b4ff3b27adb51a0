"""How runs end and go on after their end: cancelled, torn down, moved, crashed, pruned."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.cli.said import Said, start

UP = """
nano_flow: 1
name: up
steps:
  up: {run: "echo up >> log; echo key-$(wc -l < log)"}
  group:
    needs: [up]
    steps: {ask: {approve: {message: Go on?}}, after: {needs: [ask], run: "echo after >> log"}}
    finally: {inner: {run: "echo inner >> log"}}
  free: {run: "echo free >> log"}
finally: {down: {run: "echo down-$K >> log", env: {K: "{{ steps.up.output.stdout }}"}}}
"""
LOCK = """
nano_flow: 1
name: lock
steps:
  base: {run: "echo base >> log"}
  up: {needs: [base], setup: true, run: "echo up >> log; echo token-$(wc -l < log)"}
  paid: {needs: [up], prompt: "Use {{ steps.up.output.stdout }}", model: sim/small}
  free: {run: "echo free >> log"}
  test: {needs: [paid], run: "test -f fixed; echo tested >> log"}
finally: {down: {run: "echo down >> log"}}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def log() -> list[str]:
    return Path("log").read_text().split()


def test_cancelling_a_paused_run_runs_its_handlers_and_nothing_else(said: Said) -> None:
    Path("w.yaml").write_text(UP)
    said("run", "w.yaml", "--no-input", code=6)
    before = log()
    assert sorted(before) == ["free", "up"]
    Path("w.yaml").unlink()  # what is taken down is what was set up, whatever became of the file
    assert said.json("runs", "cancel") == {
        **{"schema": "nano-flow/cancel@1", "asked": False, "problem": None},
        "run_id": said.json("runs", "list")["runs"][0]["run_id"],
    }
    assert log()[2:-1] == ["inner"] and log()[-1].startswith("down-key-")
    assert said.json("runs", "show")["status"] == "cancelled"


def test_what_was_set_up_and_taken_down_is_set_up_again_first(said: Said) -> None:
    Path("w.yaml").write_text(LOCK)
    said("run", "w.yaml", "--offline", code=1)
    assert sorted(log()) == ["base", "down", "free", "up"]
    Path("fixed").touch()
    said("resume", "last")
    assert log()[4:] == ["up", "tested", "down"]
    assert '"up" (setup)' in said.err
    assert said.json("cost")["total"]["calls"] == 1  # what was kept is not asked again, whatever the new token


def test_setup_stands_only_where_something_can_be_set_up(said: Said) -> None:
    Path("w.yaml").write_text("nano_flow: 1\nname: w\nsteps: {a: {prompt: hello, setup: true}}\n")
    said("validate", "w.yaml", code=3)
    assert "setup" in said.out + said.err


def test_a_checkout_that_was_moved_goes_on(said: Said) -> None:
    os.makedirs("one/.git")
    Path("one/w.yaml").write_text(
        "nano_flow: 1\nname: mv\nsteps: {a: {run: [pwd]}, b: {needs: [a], approve: {message: go}}}\n"
    )
    os.chdir("one")
    said("run", "w.yaml", "--no-input", code=6)
    os.chdir("..")
    shutil.move("one", "two")
    os.chdir("two")
    said("approvals", "answer", "last", "b", "approve")
    where = said.json("resume", "last")["outputs"]["a"]["stdout"]
    assert where.endswith("one")  # the command's result is kept: it was not run again


def test_a_workflow_that_was_renamed_is_named(said: Said) -> None:
    Path("w.yaml").write_text("nano_flow: 1\nname: mv\nsteps: {b: {approve: {message: go}}}\n")
    said("run", "w.yaml", "--no-input", code=6)
    Path("w.yaml").rename("v.yaml")
    said("approvals", "answer", "last", "b", "approve")
    said("resume", "last", code=2)
    assert "--file FILE" in said.err
    said("resume", "last", "--file", "v.yaml")


def test_a_crash_is_told_from_an_interrupt(said: Said, tmp_path: Path) -> None:
    Path("w.yaml").write_text("nano_flow: 1\nname: w\nsteps: {a: {run: 'touch began; sleep 1'}}\n")
    with start(tmp_path, "run", "w.yaml") as run:
        until = time.monotonic() + 30
        while not Path("began").exists():
            assert time.monotonic() < until
        run.send_signal(signal.SIGKILL)
        run.communicate()
    assert said.json("runs", "show")["stop"]["reason"] == "crash"
    assert "paused (crash)" in said("runs")


def test_pruning_spares_runs_that_wait(said: Said) -> None:
    Path("w.yaml").write_text("nano_flow: 1\nname: w\nsteps: {b: {approve: {message: go}}}\n")
    Path("v.yaml").write_text("nano_flow: 1\nname: v\nsteps: {b: {set: {v: 1}}}\n")
    said("run", "w.yaml", "--no-input", code=6)
    said("run", "v.yaml")
    said("runs", "prune", "--keep", "0")
    assert "1 run that waits for a person or a time kept" in said.err
    assert [run["workflow"] for run in said.json("runs")["runs"]] == ["w"]
    said("runs", "prune", "--keep", "0", "--waiting")
    assert said.json("runs")["runs"] == []
