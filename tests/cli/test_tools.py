"""``nano-flow tools`` shows what servers said and accepts exactly that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.core.messages import ToolSpec
from nano_flow.tools.mcp.pins import Pins


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pins:
    monkeypatch.chdir(tmp_path)
    return Pins(tmp_path / ".nano-flow")


def offer(pins: Pins, workflow: str, **tools: str) -> None:
    specs = {name: ToolSpec(name, text, {}) for name, text in tools.items()}
    pins.check(workflow, "tracker", specs, list(tools))


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert run_command(["tools", *words]) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def test_nothing_is_known_yet(pins: Pins, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no MCP server was started yet" in said(capsys)[1]
    assert "there are: none" in said(capsys, "accept", "tracker", code=2)[1]


def test_changes_are_listed_and_accepted(pins: Pins, capsys: pytest.CaptureFixture[str]) -> None:
    for workflow in ("a.yaml", "b.yaml"):
        offer(pins, workflow, search="Finds", close="Closes")
        offer(pins, workflow, search="Finds more", open="Opens")
    listed = [row.split() for row in said(capsys)[0].splitlines()[1:4]]
    assert listed == [
        ["a.yaml", "tracker.close", "accepted"],
        ["a.yaml", "tracker.open", "new"],
        ["a.yaml", "tracker.search", "changed"],
    ]
    assert sorted(said(capsys, "accept", "tracker", "--workflow", "a.yaml")[1].splitlines()) == [
        "accepted tracker.open in a.yaml",
        "accepted tracker.search in a.yaml",
    ]
    document = json.loads(said(capsys, "list", "--json")[0])
    states = {(row["workflow"], row["tool"]): row["state"] for row in document["tools"]}
    assert states["a.yaml", "tracker.search"] == "accepted"
    assert states["b.yaml", "tracker.search"] == "changed"
    accepted = json.loads(said(capsys, "accept", "tracker", "--json")[0])["accepted"]
    assert {row["workflow"] for row in accepted} == {"b.yaml"}
    assert "nothing to accept" in said(capsys, "accept", "tracker")[1]


def test_a_damaged_file_is_said(pins: Pins, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / ".nano-flow").mkdir()
    (tmp_path / ".nano-flow" / "mcp-pins.json").write_text("{")
    assert "is damaged" in said(capsys, code=1)[1]
