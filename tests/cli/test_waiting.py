"""Runs that wait: for a person, for a time; what is slept, what saves itself, what goes on by itself."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.cli.said import Said, start

ROLLING = """
nano_flow: 1
name: rolling
steps:
  node:
    for_each: [a, b, c]
    max_parallel: 1
    steps:
      stop: {run: "echo stop $I >> order.txt", env: {I: "{{ item }}"}}
      ask: {needs: [stop], approve: {message: "{{ item }} drained?"}}
      go: {needs: [ask], run: "echo start $I >> order.txt", env: {I: "{{ item }}"}}
"""
EXPIRES = """
nano_flow: 1
name: expires
steps:
  ask: {approve: {message: "go?", options: [publish, discard], timeout: 300ms, on_timeout: discard}}
  b: {needs: [ask], set: {said: "{{ steps.ask.output.decision }}"}}
outputs: {o: "{{ steps.b.output.said }}"}
"""
ASKS = "nano_flow: 1\nname: asks\nsteps: {ok: {approve: {message: Go on?}}, b: {needs: [ok], set: {v: 1}}}\n"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def test_an_item_that_waits_for_a_person_is_still_in_progress(said: Said) -> None:
    Path("w.yaml").write_text(ROLLING)
    said("run", "w.yaml", "--no-input", code=6)
    for item, address in zip("abc", ("node[0].ask", "node[1].ask", "node[2].ask"), strict=True):
        asked = said.json("approvals")["approvals"]
        assert [question["address"] for question in asked] == [address]
        assert Path("order.txt").read_text().splitlines()[-1] == f"stop {item}"
        said("approvals", "answer", "last", address, "approve")
        said("resume", "last", code=0 if item == "c" else 6)
    assert Path("order.txt").read_text().split("\n")[:4] == ["stop a", "start a", "stop b", "start b"]


def test_a_timeout_that_is_near_fires_in_the_run(said: Said) -> None:
    Path("w.yaml").write_text(EXPIRES)
    assert said.json("run", "w.yaml")["outputs"] == {"o": "discard"}


@pytest.mark.parametrize("step", ["w: {wait: 16m}", "w: {repeat: {max_iterations: 2, every: 16m}, set: {v: 1}}"])
def test_a_time_that_is_far_away_saves_the_run(said: Said, step: str) -> None:
    Path("w.yaml").write_text(f"nano_flow: 1\nname: far\nsteps: {{{step}}}\n")
    told = said.json("run", "w.yaml", code=6)
    assert (told["status"], told["stop"]["reason"]) == ("paused", "wait")
    assert said.json("resume", "--due")["runs"] == []


def test_what_is_due_goes_on_and_the_rest_is_left(said: Said) -> None:
    Path("w.yaml").write_text(ASKS)
    said("run", "w.yaml", "--no-input", code=6)
    said("resume", "--due")
    assert "nothing is due" in said.err
    said("approvals", "answer", "last", "ok", "approve")
    said("run", "w.yaml", "--no-input", code=6)
    (line,) = said("resume", "--due").splitlines()
    assert line.endswith("asks  answered: succeeded")
    said("approvals", "answer", "last", "ok", "approve")
    Path("w.yaml").write_text(ASKS.replace("v: 1", "v: 2"))
    (row,) = said.json("resume", "--due")["runs"]
    assert row["status"] == "paused" and '"b"' in row["problem"]


def test_a_run_that_is_to_wait_goes_on_as_soon_as_it_is_answered(said: Said, tmp_path: Path) -> None:
    Path("w.yaml").write_text(ASKS)
    with start(tmp_path, "run", "w.yaml", "--wait", "--json") as run:
        until = time.monotonic() + 30
        while not Path(".nano-flow/state.db").exists() or not said.json("approvals")["approvals"]:
            assert time.monotonic() < until and run.poll() is None
        said("approvals", "answer", "last", "ok", "approve")
        out, _ = run.communicate(timeout=30)
    assert run.returncode == 0 and '"succeeded"' in out


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
@pytest.mark.parametrize("ignored", [False, True])
def test_a_lost_terminal_pauses_the_run_unless_it_was_started_with_nohup(tmp_path: Path, ignored: bool) -> None:
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: hup\nsteps: {a: {run: 'echo $$ > pid; mv pid child; sleep 2'}}\n"
    )
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        run = start(tmp_path, "run", "w.yaml")
    finally:
        signal.signal(signal.SIGHUP, before)
    with run:
        child, until = tmp_path / "child", time.monotonic() + 30
        while not child.exists():
            assert time.monotonic() < until and run.poll() is None
        run.send_signal(signal.SIGHUP)
        run.communicate(timeout=30)
    assert run.returncode == (0 if ignored else 129)
    assert not Path("/proc", child.read_text().strip()).exists()
