"""``nano-flow doctor``: healthy, unhealthy, and never a value of a credential."""

from __future__ import annotations

import json
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.locate import PolicyFile
from nano_flow.operations.project import health as checks
from nano_flow.project.providers import ProviderState


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


def test_an_installation_that_lacks_files_or_litellm_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(checks, "bundled_path", lambda name: tmp_path / name)
    monkeypatch.setattr(metadata, "version", missing)
    (tmp_path / "schemas").mkdir()
    package, litellm = checks.check_package(), checks.check_litellm()
    assert package.message == "the installation lacks providers.yaml, routing.yaml, pricing.yaml"
    assert package.health == "bad" and "pip install --force-reinstall nano-flow" in package.advice
    assert litellm.health == "warn" and "pip install litellm" in litellm.advice


@pytest.mark.parametrize(("there", "health"), [({"bash", "sh"}, "good"), ({"sh"}, "warn"), (set(), "bad")])
def test_shells(there: set[str], health: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    assert checks.check_shell().health == health


def test_a_state_folder_is_writable_or_can_be_made(tmp_path: Path) -> None:
    assert "can be made" in checks.check_state(tmp_path / "state").message
    assert "is writable" in checks.check_state(tmp_path).message
    assert list(tmp_path.iterdir()) == []


def state(name: str, credentials: str, **more: object) -> ProviderState:
    return ProviderState(name, "litellm: x", credentials, (("A",), ("B", "C")), (), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (state("p", "found"), ("good", '"p": found A or B with C')),
        (state("p", "found", reachable=True, latency_s=0.1), ("good", '"p": found A or B with C, it answers')),
        (state("p", "found", reachable=False), ("bad", '"p": no answer')),
        (state("p", "found", error="refused"), ("bad", '"p": refused')),
        (state("p", "missing"), ("off", '"p": not set up, it wants A or B with C')),
        (state("p", "not_needed"), ("good", '"p": not needed')),
    ],
)
def test_what_is_said_of_a_provider(given: ProviderState, said: tuple[str, str]) -> None:
    first, *rest = checks.credentials_found([given])
    assert (first.health, first.message) == said
    assert [f.health for f in rest] == ([] if given.credentials == "found" else ["warn"])


def test_documents_with_errors_are_counted(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("nano_flow: 1\nname: w\nsteps:\n  a: {prompt: Hello}\n")
    assert [f.health for f in checks.check_documents([tmp_path])] == ["good"]
    (tmp_path / "bad.yaml").write_text("nano_flow: 1\nname: w\nstepps: {}\n")
    (found,) = checks.check_documents([tmp_path])
    assert (found.health, found.message) == ("bad", "1 of 2 documents here have errors")


def test_only_check_asks_anybody(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []

    async def check_providers(catalogue: object, environ: object) -> list[ProviderState]:
        asked.append("all")
        return [state("p", "found", reachable=False, error="no route", advice="check the network")]

    monkeypatch.setattr("nano_flow.project.providers.check_providers", check_providers)
    assert run_command(["doctor"]) == 0
    assert asked == []
    assert run_command(["doctor", "--check"]) == 1
    assert asked == ["all"]
    assert "check the network" in capsys.readouterr().out


def test_a_policy_file_that_is_gone_is_bad(tmp_path: Path) -> None:
    gone = PolicyFile("routing.yaml", tmp_path / "gone", "project")
    assert [f.health for f in checks.check_policy((gone,))] == ["bad"]
