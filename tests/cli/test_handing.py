"""``run --output`` and ``--output-file``: the value alone, in the form asked for; checked before a run starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command

FLOW = """\
nano_flow: 1
name: rows
steps:
  rows: {set: {list: [{name: "a|b", n: 1}, {name: ü, more: [2]}], text: Hello}}
outputs: {rows: "{{ steps.rows.output.list }}", text: "{{ steps.rows.output.text }}"}
"""
CSV = "name,n,more\na|b,1,\nü,,[2]\n"
MARKDOWN = "| name | n | more |\n| --- | --- | --- |\n| a\\|b | 1 |  |\n| ü |  | [2] |\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


def test_one_output_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "flow.yaml", "--output", "text"]) == 0
    assert capsys.readouterr().out == "Hello\n"
    assert run_command(["run", "flow.yaml", "--output", "rows"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == {"name": "a|b", "n": 1}
    assert run_command(["run", "flow.yaml", "--json", "--output", "text"]) == 0
    assert capsys.readouterr().out == '"Hello"\n'


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("t.csv", CSV),
        ("t.md", MARKDOWN),
        ("t.jsonl", '{"name": "a|b", "n": 1}\n{"name": "ü", "more": [2]}\n'),
    ],
)
def test_a_table_is_written(folder: Path, file: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "flow.yaml", "--output", "rows", "--output-file", file]) == 0
    assert (folder / file).read_text(encoding="utf-8") == text
    assert capsys.readouterr().out == ""


def test_all_outputs_are_written(folder: Path) -> None:
    assert run_command(["run", "flow.yaml", "--output-file", "all.json"]) == 0
    assert json.loads((folder / "all.json").read_text(encoding="utf-8"))["text"] == "Hello"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--output", "row"], '"flow.yaml" has no output "row": it has rows, text'),
        (["--output-file", "t.xls"], "end its name with .csv, .jsonl, .json, .md"),
        (["--output-file", "gone/t.csv"], 'the folder "gone" does not exist'),
        (["--output", "rows", "--detach"], "nano-flow runs show RUN --json has them"),
    ],
)
def test_what_cannot_be_is_told_before_anything_runs(
    folder: Path, words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", "flow.yaml", *words]) == 2
    assert problem in capsys.readouterr().err
    assert not (folder / ".nano-flow").exists()


def test_what_is_no_table_says_where_the_outputs_are_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", "flow.yaml", "--output", "text", "--output-file", "t.csv"]) == 2
    said = capsys.readouterr().err
    assert "a table needs a list of mappings" in said
    assert "nano-flow runs show" in said
    assert not (folder / "t.csv").exists()
