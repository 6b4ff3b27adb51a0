"""``nano-flow init``: what it writes, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.operations.project.beginning import project_files
from nano_flow.project.checking import check_file


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_project_has_all_that_was_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["init", "hello"]) == 0
    names = {path.relative_to(tmp_path / "hello").as_posix() for path in (tmp_path / "hello").rglob("*.*")}
    assert {
        "workflow.yaml",
        "workflow.test.yaml",
        "routing.test.yaml",
        ".gitignore",
        "schemas/workflow.schema.json",
    } <= names
    assert {"providers.yaml", "routing.yaml", "pricing.yaml"} <= names
    assert "nano-flow run hello/workflow.yaml --offline" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in project_files() if name.endswith(".yaml")])
def test_every_document_of_a_project_is_valid_and_names_its_schema(name: str) -> None:
    text = project_files()[name]
    assert run_command(["init"]) == 0
    assert [found for found in check_file(Path(name)) if found.severity == "error"] == []
    if "test" in name or name.startswith("workflow"):
        schema = text.partition("$schema=")[2].partition("\n")[0]
        assert schema in project_files()


def test_the_tests_of_a_new_project_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["init", "."]) == 0
    assert run_command(["policy", "test"]) == 0
    assert run_command(["test"]) == 0
    capsys.readouterr()
    assert run_command(["policy", "test", "-k", "nobody"]) == 1
    assert 'no case contains "nobody"' in capsys.readouterr().err


def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "routing.yaml").write_text("mine")
    assert run_command(["init"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["routing.yaml"]
    assert (tmp_path / "routing.yaml").read_text() == "mine"
    assert 'already holds "routing.yaml"' in capsys.readouterr().err


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").symlink_to(tmp_path / "elsewhere")
    assert run_command(["init"]) == 2
    assert not (tmp_path / "elsewhere").exists()


def test_an_ignore_file_that_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert run_command(["init"]) == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert 'it should hold the line ".nano-flow/"' in capsys.readouterr().err


def test_json_lists_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["init", "p", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == "nano-flow/init@1"
    assert set(printed["files"]) == set(project_files())


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").write_text("")
    assert run_command(["init", "p"]) == 2
    assert "p" in capsys.readouterr().err


def test_a_project_of_one_provider_asks_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["init", "--provider", "anthropic"]) == 0
    assert "ANTHROPIC_API_KEY=\n" in (tmp_path / ".env.example").read_text()
    assert run_command(["validate"]) == 0 and run_command(["policy", "test"]) == 0
    capsys.readouterr()
    assert run_command(["policy", "explain", "Say hello.", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"].startswith("anthropic/")
    assert run_command(["init", "other", "--provider", "antropic"]) == 2
    assert 'did you mean "anthropic"?' in capsys.readouterr().err
