"""``nano-flow graph``: drawings on stdout, coloured by a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.operations.project.drawing import by_path

FLOW = """nano_flow: 1
name: flow
steps:
  a: {set: {x: 1}}
  b: {for_each: [1, 2], set: {y: "{{ item }}"}, needs: [a]}
  c: {needs: [b], run: "exit 3"}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("tree", "flow\n├─ a · set\n"),
        ("mermaid", "%% flow\nflowchart TD\n"),
        ("dot", 'digraph "flow"'),
        ("svg", "<svg "),
    ],
)
def test_each_format(form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["graph", "flow.yaml", "--format", form]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(start) and not err


def test_json_holds_the_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["graph", "flow.yaml", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["workflow"], document["format"]) == ("nano-flow/graph@1", "flow", "tree")
    assert document["drawing"].startswith("flow\n")


def test_an_invalid_workflow_is_not_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    Path("flow.yaml").write_text(FLOW.replace("[b]", "[z]"), encoding="utf-8")
    assert run_command(["graph", "flow.yaml"]) == 3
    assert "flow.yaml:6:15" in capsys.readouterr().err


def test_a_run_colours_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "flow.yaml", "--offline"]) == 1
    capsys.readouterr()
    assert run_command(["graph", "flow.yaml", "--run", "last"]) == 0
    out, err = capsys.readouterr()
    assert not err and ["✓ a · set" in out, "✓ b · set" in out, "✗ c · run" in out] == [True] * 3
    Path("flow.yaml").write_text(FLOW.replace("exit 3", "exit 4"), encoding="utf-8")
    assert run_command(["graph", "flow.yaml", "--run", "last"]) == 0
    assert "has changed since the run" in capsys.readouterr().err


def test_the_worst_of_many_executions_counts() -> None:
    rows = [
        {"address": "a[0]", "status": "succeeded"},
        {"address": "a[1]", "status": "failed"},
        {"address": "b[0]", "status": "failed"},
        {"address": "b", "status": "succeeded"},
        {"address": "g[1].c[0]", "status": "skipped"},
        {"address": "g[0].c[2]", "status": "running"},
        {"address": "d[0]", "status": "unheard"},
    ]
    assert by_path(rows) == {"a": "failed", "b": "succeeded", "g.c": "running"}
