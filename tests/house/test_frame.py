"""The frame of the command line: options on either side, nearest names, exit codes, no secrets in a report."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from nano_flow.cli import main
from nano_flow.cli.common import Options, options_of, pass_options
from nano_flow.cli.frame import group as frame
from nano_flow.cli.main import run_command
from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.defects import without_inputs, without_secrets


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Options]:
    """A table with one command, ``look``, that notes the options which it is given."""
    seen: list[Options] = []

    @click.command()
    @click.option("--raise", "fault")
    @pass_options
    def look(options: Options, fault: str | None) -> int:
        seen.append(options)
        if fault == "usage":
            raise UsageError("wrong words")
        if fault == "document":
            where = SourceRange("w.yaml", 2, 3, 2, 8)
            raise DocumentError([Diagnostic("error", "NF201", "a bad key", where, hint='did you mean "prompt"?')])
        if fault == "defect":
            raise ZeroDivisionError("tok-123456789")
        if fault == "interrupt":
            raise KeyboardInterrupt
        return 7 if fault == "seven" else 0

    module = type("Module", (), {"command": look})
    monkeypatch.setattr(frame, "import_module", lambda name: module)
    monkeypatch.setattr(main, "COMMANDS", {"Only": {"look": frame.Entry("anywhere", "Look.")}})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    return seen


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_global_options_are_taken_on_either_side(before: bool, see: list[Options], tmp_path: Path) -> None:
    (tmp_path / "e").write_text("A_VALUE=1\n")
    words = ["--config-dir", "c", "--color", "never", "-vv", "--json", "--no-input", "--state-dir", "s"]
    assert run_command([*words, "look"] if before else ["look", *words]) == 0
    assert see == [Options(Path("c"), color="never", verbosity=2, json=True, no_input=True, state_dir=Path("s"))]


def test_both_sides_add_up(see: list[Options]) -> None:
    assert run_command(["--json", "look", "-q"]) == 0
    assert (see[0].json, see[0].verbosity) == (True, -1)


def test_c_changes_the_folder_first_and_only_for_the_command(see: list[Options], tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    assert run_command(["look", "--state-dir", "s", "-C", "inner"]) == 0
    assert Path.cwd() == tmp_path
    assert run_command(["-C", "missing", "look"]) == 2


def test_env_file_never_overrides(see: list[Options], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT_NAME", "old")
    monkeypatch.setenv("NEW_NAME", "x")
    monkeypatch.delenv("NEW_NAME")
    (tmp_path / ".env").write_text("# keys\nexport NEW_NAME='a b' # why\nKEPT_NAME=new\n")
    assert run_command(["look", "--env-file", ".env"]) == 0
    import os

    assert (os.environ["NEW_NAME"], os.environ["KEPT_NAME"]) == ("a b", "old")
    del os.environ["NEW_NAME"]


def test_a_bad_env_file_names_its_line_not_its_value(
    see: list[Options], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("A=1\nsecretvalue\n")
    assert run_command(["--env-file", ".env", "look"]) == 2
    error = capsys.readouterr().err
    assert ".env:2:1: expected NAME=value" in error
    assert "secretvalue" not in error


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lok"], 2, 'there is no command "lok"; did you mean "look"?'),
        (["zzz"], 2, '"nano-flow --help" lists them'),
        (["look", "--jso"], 2, "--json"),
        (["look", "--json=events"], 2, '"--json=events" is for'),
        (["look", "--raise", "usage"], 2, "wrong words"),
        (["look", "--raise", "document"], 3, 'w.yaml:2:3  error NF201  a bad key\n    did you mean "prompt"?'),
        (["look", "--raise", "seven"], 7, ""),
        (["look", "--raise", "interrupt"], 130, ""),
    ],
)
def test_every_end_has_its_code_and_its_sentence(
    words: list[str], code: int, said: str, see: list[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert bool(captured.out) == ("--json=events" in words)


@pytest.mark.parametrize(("fault", "schema"), [("usage", "error@1"), ("document", "diagnostics@1")])
def test_json_stays_json_when_it_fails(
    fault: str, schema: str, see: list[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(["look", "--json", "--raise", fault])
    assert json.loads(capsys.readouterr().out)["schema"] == f"nano-flow/{schema}"


def test_a_defect_leaves_a_report_without_secrets(
    see: list[Options], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "tok-123456789")
    assert run_command(["look", "--raise", "defect"]) == 70
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1
    report = next((tmp_path / ".nano-flow").glob("defect-*.txt")).read_text()
    assert "ZeroDivisionError" in report
    assert "***" in report
    assert "tok-123456789" not in report


def test_the_report_lies_in_the_state_folder_that_was_given(see: list[Options], tmp_path: Path) -> None:
    assert run_command(["look", "--state-dir", "kept", "--raise", "defect"]) == 70
    assert len(list((tmp_path / "kept").glob("defect-*.txt"))) == 1
    assert not (tmp_path / ".nano-flow").exists()


def test_a_report_names_inputs_and_not_their_values() -> None:
    given = [
        "run",
        "f=g.yaml",
        "-i",
        "token=hunter2=\nhunter3",
        "-ikey=hunter4",
        "--input=k=hunter5",
        "--inputs",
        "a=b",
    ]
    assert without_inputs(given) == [
        "run",
        "f=g.yaml",
        "-i",
        "token=***",
        "-ikey=***",
        "--input=k=***",
        "--inputs",
        "a=b",
    ]


def test_only_what_sounds_secret_is_taken_out() -> None:
    environment = {"A_KEY": "12345678", "PLAIN": "visible-value", "C_KEY": "short"}
    assert without_secrets("12345678 visible-value short", environment) == "*** visible-value short"


def test_options_are_a_value_of_the_context() -> None:
    context = click.Context(click.Command("x"))
    assert options_of(context) == Options()
