"""Where a command finds what another one left: from below, from elsewhere, and by what it is told to type next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.said import Said

ASKS = "nano_flow: 1\nname: asks\nsteps: {ok: {approve: {message: Go on?}}}\n"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    for name in ("project/flows", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "project" / "flows" / "w.yaml").write_text(ASKS)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    monkeypatch.chdir(tmp_path / "project")
    return Said(capsys)


def test_a_run_is_found_from_a_folder_below(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = said.json("run", "flows/w.yaml", "--no-input", code=6)["run_id"]
    monkeypatch.chdir("flows")
    assert [run["run_id"] for run in said.json("runs", "list")["runs"]] == [run_id]
    assert not Path(".nano-flow").exists()


@pytest.mark.parametrize("there", ["elsewhere", "project"])
def test_what_is_to_be_typed_next_works_where_the_caller_is(
    there: str, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project" / ".git").mkdir()
    monkeypatch.chdir(tmp_path / there)
    text = said("run", str(tmp_path / "project" / "flows" / "w.yaml"), "--no-input", code=6)
    assert not (tmp_path / "elsewhere" / ".nano-flow").exists()
    assert ("--state-dir" in text) == (there == "elsewhere")
    told = shlex.split(
        next(line for line in text.splitlines() if " answer " in line)
        .partition(", then")[0]
        .replace("OPTION", "approve")
    )
    said(*told[1:])
    assert said.json("-C", str(tmp_path / "project" / "flows"), "approvals")["approvals"] == []


def test_after_c_the_next_command_names_the_state(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "elsewhere")
    text = said("-C", "../project", "run", "flows/w.yaml", "--no-input", code=6)
    assert f"nano-flow --state-dir {tmp_path / 'project' / '.nano-flow'} resume" in text
