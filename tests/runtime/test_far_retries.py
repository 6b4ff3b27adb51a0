"""A retry whose delay is long: the run saves itself, and the next life goes on with the attempt that is due."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.cli.said import Said

FLOW = """
nano_flow: 1
name: far
steps:
  push:
    run: "echo x >> tries.txt; test $(wc -l < tries.txt) -ge 3"
    retry: {max_attempts: 3, delay: 20m, max_delay: 2h}
  other: {run: [touch, other.txt]}
  after: {needs: [push], set: {done: true}}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("far.yaml").write_text(FLOW)
    return Said(capsys)


def test_a_far_delay_saves_the_run_and_no_attempt_is_made_twice(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time()
    paused = said.json("run", "far.yaml", code=6)
    assert (paused["stop"]["reason"], paused["stop"]["address"]) == ("wait", "push")
    assert Path("other.txt").exists() and Path("tries.txt").read_text() == "x\n"
    assert said.json("resume", "last", code=6)["status"] == "paused"
    assert Path("tries.txt").read_text() == "x\n"
    said("resume", "--due")
    assert "nothing is due" in said.out + said.err
    monkeypatch.setattr(time, "time", lambda: began + 21 * 60)
    said("resume", "--due")
    assert Path("tries.txt").read_text() == "x\nx\n"  # the second failed, the third is 40 minutes later
    monkeypatch.setattr(time, "time", lambda: began + 62 * 60)
    said("resume", "--due")
    shown = said.json("runs", "show")
    assert shown["status"] == "succeeded" and Path("tries.txt").read_text() == "x\nx\nx\n"


def test_a_near_delay_is_slept(said: Said) -> None:
    Path("far.yaml").write_text(FLOW.replace("20m", "10ms"))
    assert said.json("run", "far.yaml")["status"] == "succeeded"
    assert Path("tries.txt").read_text() == "x\nx\nx\n"
