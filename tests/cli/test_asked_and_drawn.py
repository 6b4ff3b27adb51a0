"""Questions that ran out are told as such; a drawing shows no cross for what the workflow tolerates."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.cli.said import Said

ASKS = """
nano_flow: 1
name: asks
steps:
  ship: {approve: {message: "Ship?", options: [ship, keep], timeout: 2h, on_timeout: keep}}
  sign: {approve: {message: "Sign?"}}
"""
MANY = """
nano_flow: 1
name: many
steps:
  note:
    for_each: "range(4)"
    on_item_failure: continue
    steps: {a: {run: "exit $I", env: {I: "{{ 1 if item == 2 else 0 }}"}}}
  hard: {needs: [note], run: "exit 3"}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def test_a_question_that_ran_out_says_so(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("asks.yaml").write_text(ASKS)
    said("run", "asks.yaml", code=6)
    run = said.json("runs", "show")["run_id"]
    listed = said("approvals").splitlines()
    assert listed[0].split() == ["run", "address", "options", "until", "message"]
    assert not [line for line in listed if "expired" in line]
    later = time.time() + 3 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert [line for line in said("approvals").splitlines() if "ship" in line and "expired" in line]
    assert f"nano-flow resume {run}" in said.err
    asked = {row["address"]: row["expired"] for row in said.json("approvals")["approvals"]}
    assert asked == {"ship": True, "sign": False}


def test_without_a_timeout_there_is_no_such_column(said: Said) -> None:
    Path("asks.yaml").write_text(ASKS.replace(", timeout: 2h, on_timeout: keep", ""))
    said("run", "asks.yaml", code=6)
    assert said("approvals").splitlines()[0].split() == ["run", "address", "options", "message"]


def test_what_is_tolerated_is_no_cross_in_a_drawing(said: Said) -> None:
    Path("many.yaml").write_text(MANY)
    said("run", "many.yaml", code=1)
    drawn = said("graph", "many.yaml", "--run", "last")
    assert "✓ note" in drawn and "✓ a" in drawn and "✗ hard" in drawn
    Path("many.yaml").write_text(MANY.replace("on_item_failure: continue", "on_item_failure: fail"))
    said("run", "many.yaml", code=1)
    drawn = said("graph", "many.yaml", "--run", "last")
    assert "✗ note" in drawn and "✗ a" in drawn
