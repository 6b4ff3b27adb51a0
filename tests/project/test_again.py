"""``resume --from``: the named step and what depends on it are done again, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.said import Said

FLOW = """nano_flow: 1
name: flow
steps:
  a: {run: [sh, -c, "echo a >> log"]}
  g:
    needs: [a]
    steps:
      b: {run: [sh, -c, "echo b >> log"]}
      c: {needs: [b], run: [sh, -c, "echo c >> log"]}
  l: {needs: [a], for_each: [x, y], run: [sh, -c, 'echo "l-$1" >> log', sh, "{{ item }}"]}
  d: {needs: [g], run: [sh, -c, "echo d >> log"]}
  e: {run: [sh, -c, "echo e >> log"]}
  ask: {needs: [d], prompt: Say a word.}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """One run is over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    Path("flow.yaml").write_text(FLOW)
    said = Said(capsys)
    said("run", "flow.yaml", "--offline")
    assert sorted(Path("log").read_text().split()) == ["a", "b", "c", "d", "e", "l-x", "l-y"]
    Path("log").write_text("")
    return said


@pytest.mark.parametrize(
    ("address", "again"),
    [
        ("a", "a b c d l-x l-y"),
        ("g", "b c d"),
        ("g.b", "b c d"),
        ("g.c", "c d"),
        ("l", "l-x l-y"),
        ("l[1]", "l-y"),
        ("e", "e"),
        ("ask", ""),
    ],
)
def test_what_depends_on_the_step_is_done_again(said: Said, address: str, again: str) -> None:
    said("resume", "last", "--from", address)
    assert sorted(Path("log").read_text().split()) == again.split()
    told = said.json("runs", "logs", "last", "--step", "ask")["events"]
    asked = [event for event in told if event["event"] == "CallFinished"]
    assert len(asked) == (1 if address in ("l", "l[1]", "e") else 2)


def test_a_step_that_is_not_there_is_answered_with_those_that_are(said: Said) -> None:
    said("resume", "last", "--from", "h", code=2)
    assert 'there is no step "h" in this workflow; there are: a, g, g.b, g.c, l, d, e, ask' in said.err


def test_a_changed_workflow_is_told_with_what_it_costs_before_anything_is_done(said: Said) -> None:
    Path("flow.yaml").write_text(FLOW.replace("Say a word.", "Say two."))
    said("resume", "last", "--from", "ask", code=2)
    assert 'has changed since the run began: "ask". 1 recorded model calls' in said.err
    assert '--accept-changes" goes on with the new text' in said.err
    said("resume", "last", "--from", "ask", "--accept-changes")
    assert Path("log").read_text() == ""
