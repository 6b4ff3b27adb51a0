"""``nano-flow doctor``: healthy, unhealthy, and never a value of a credential."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.cli.setup import checks
from nano_flow.locate import PolicyFile


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)


def test_a_fresh_machine_is_healthy_and_stays_untouched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["doctor", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["healthy"]
    assert {"python", "package", "state", "providers.yaml", "credentials"} <= {f["check"] for f in printed["findings"]}
    assert list(tmp_path.iterdir()) == []


def test_credentials_are_named_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-value")
    run_command(["doctor"])
    printed = capsys.readouterr().out
    assert "found OPENAI_API_KEY" in printed
    assert "sk-very-secret-value" not in printed


def test_a_bad_document_is_found_with_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pricing.yaml").write_text("nano_flow: 1\nmodles: {}\n")
    assert run_command(["doctor"]) == 1
    assert "nano-flow validate" in capsys.readouterr().out


def test_a_state_folder_that_cannot_be_written_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = checks.check_state(tmp_path / "file" / "state")
    assert (finding.health, bool(finding.advice)) == ("bad", True)


@pytest.mark.parametrize(
    ("version", "health"),
    [("1.82.7", "bad"), ("1.105.3", "good"), ("1.106.0", "bad"), ("1.108.10", "bad"), ("1.108.11", "good")],
)
def test_versions_of_litellm(version: str, health: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: version)
    assert checks.check_litellm().health == health


def test_an_old_python_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    assert checks.check_python().health == "bad"


def test_any_of_several_ways_suffices() -> None:
    ways = (("A",), ("B", "C"))
    assert [f.health for f in checks.check_credentials({"p": ways}, {"B": "1", "C": "1"})] == ["good"]
    assert [f.health for f in checks.check_credentials({"p": ways}, {"B": "1", "C": ""})] == ["off", "warn"]


def test_a_policy_file_that_is_gone_is_bad(tmp_path: Path) -> None:
    gone = PolicyFile("routing.yaml", tmp_path / "gone", "project")
    assert [f.health for f in checks.check_policy((gone,))] == ["bad"]
