"""Stores of earlier releases: a run that waits goes on and pays nothing twice, and kept replies are found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.cli.said import Said
from tests.stores import restore


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """The store of release 0.1 and its workflow, which waits for a person."""
    monkeypatch.setenv("NANO_FLOW_STATE", str(restore("release_0_1", tmp_path)))
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def calls(said: Said) -> Counter[str]:
    """How often a model was asked or answered from the cache, by step."""
    events = said.json("runs", "logs", "last")["events"]
    return Counter(e["address"] for e in events if e["event"] in ("CallIntended", "CacheHit"))


def test_a_resumed_run_pays_nothing_twice(said: Said) -> None:
    before = calls(said)
    assert before == {"plain": 1, "shaped": 1, "tooled": 1, "judged": 2}
    said("approvals", "answer", "last", "ask", "approve")
    said("resume", "last")
    assert calls(said) == {**before, "after": 1}


def test_a_new_run_is_answered_by_the_kept_replies(said: Said) -> None:
    # The routing policy is the one of that release, its tag declared: a newer score may send a question elsewhere.
    assert said.json("plan", "flow.yaml", "--offline")["steps"][0]["cached"] is True
    said("run", "flow.yaml", "--offline", "--no-input", code=6)
    events = said.json("runs", "logs", "last")["events"]
    hits = [e["address"] for e in events if e["event"] == "CacheHit"]
    assert hits == ["plain", "shaped", "tooled", "judged"]
