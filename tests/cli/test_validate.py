"""``validate`` and ``schema`` as they are typed: what is printed where, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nano_flow.cli.checking.watching import stamps, watch_documents
from nano_flow.cli.main import run_command

GOOD = "nano_flow: 1\nname: t\nsteps:\n  a: {prompt: x}\n"
BAD = "nano_flow: 1\nname: t\nsteps:\n  a: {promt: x}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    return tmp_path


def test_a_good_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["validate", "good.yaml"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "1 document checked: no errors\n"
    assert printed.err == "in force: providers.yaml (shipped), routing.yaml (shipped), pricing.yaml (shipped)\n"


def test_a_bad_document_shows_line_caret_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["validate"]) == 3
    assert capsys.readouterr().out.split("\n") == [
        'bad.yaml:4:7  error NF203  unknown key "promt" in "steps.a"',
        "      a: {promt: x}",
        "          ^^^^^",
        '    did you mean "prompt"?',
        "2 documents checked: 1 error, no warnings",
        "",
    ]


@pytest.mark.parametrize(
    "arguments", [["validate", "--json"], ["--json", "validate"], ["validate", "--format", "json"]]
)
def test_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(arguments) == 3
    made = json.loads(capsys.readouterr().out)
    assert (made["schema"], made["files"]) == ("nano-flow/diagnostics@1", 2)
    assert made["diagnostics"][0] | {"message": ""} == {
        "severity": "error", "code": "NF203", "message": "", "file": "bad.yaml", "line": 4, "column": 7, "end_line": 4,
        "end_column": 12, "address": "steps.a.promt", "hint": 'did you mean "prompt"?',
    }  # fmt: skip


def test_the_formats_of_ci(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["validate", "--format", "github"]) == 3
    assert capsys.readouterr().out.startswith("::error file=bad.yaml,line=4,endLine=4,col=7,endColumn=12,title=NF203::")
    assert run_command(["validate", "--format", "sarif"]) == 3
    assert json.loads(capsys.readouterr().out)["version"] == "2.1.0"
    assert run_command(["validate", "good.yaml", "--format", "github"]) == 0
    assert capsys.readouterr().out == ""


def test_no_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run_command(["validate", "empty"]) == 0
    assert capsys.readouterr().out == "no documents found\n"


def test_a_missing_file_is_an_invalid_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["validate", "nothing.yaml"]) == 3
    assert '"nothing.yaml" does not exist' in capsys.readouterr().out


def test_watching_checks_again_when_a_document_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[str] = []

    def pause(seconds: float) -> None:
        if len(checks) == 2:
            raise KeyboardInterrupt
        (tmp_path / "good.yaml").write_text(BAD + "# longer\n", encoding="utf-8")

    monkeypatch.setattr("time.sleep", pause)
    with pytest.raises(KeyboardInterrupt):
        watch_documents(lambda: [Path("good.yaml"), Path("gone.yaml")], lambda: checks.append("checked"))
    assert checks == ["checked", "checked"]
    assert list(stamps([Path("good.yaml"), Path("gone.yaml")])) == [Path("good.yaml")]


def test_schemas_are_printed_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["schema", "print", "pricing"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "nano-flow: prices"
    assert run_command(["schema", "write", "out"]) == 0
    assert len(capsys.readouterr().out.split()) == 6
    assert run_command(["schema", "--check", "out"]) == 0
    (tmp_path / "out" / "test.schema.json").unlink()
    assert run_command(["schema", "--check", "out"]) == 1
    assert "nano-flow schema write out" in capsys.readouterr().err
    assert run_command(["schema", "write", "good.yaml/x"]) == 2


def test_a_good_document_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom nano_flow.cli.main import run_command\ncode = run_command(['validate', 'good.yaml'])\n"
        "heavy = {'litellm', 'networkx', 'rich', 'jsonschema', 'jinja2', 'asyncio', 'sqlite3'} & set(sys.modules)\n"
        "print(code, sorted(heavy))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_good_document_reads_no_policy_and_no_metadata_of_packages() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-X", "importtime", "-m", "nano_flow", "validate", "good.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "nano_flow.plan.compile" in imported
    ours = {"adapters", "ports", "documents.routing", "documents.providers", "plan.catalogue", "source.json_schema"}
    assert not imported & {"importlib.metadata", "email", *(f"nano_flow.{name}" for name in ours)}


def test_pydantic_without_plugins_gives_all_else_as_it_is() -> None:
    code = (
        "from nano_flow.cli.frame.unplugged import without_plugins\nwithout_plugins()\nimport pydantic\n"
        "class Small(pydantic.BaseModel):\n    x: int = 1\n"
        "from pydantic.plugin import _loader\nprint(Small().x, _loader.get_plugins(), _loader.__name__)\n"
        "print(_loader.PYDANTIC_ENTRY_POINT_GROUP)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 () pydantic.plugin._loader\npydantic\n"


def test_strict_counts_warnings_as_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("prompt: x", "prompt: 'On {topic} {{ inputs.topic }}'") + "inputs: {topic: {type: string}}\n"
    (folder / "w.yaml").write_text(text, encoding="utf-8")
    assert run_command(["validate", "w.yaml"]) == 0
    assert "warning NF336" in capsys.readouterr().out
    assert run_command(["validate", "--strict", "w.yaml"]) == 3
    assert "error NF336" in capsys.readouterr().out
