"""Fan-outs over the rows of a file: what each ending means, what is refused, and what a resumed run does again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.plan.plan import PlannedForEach
from nano_flow.runtime.execution.many import read_list
from nano_flow.runtime.execution.rows import rows_of
from tests.cli.said import Said
from tests.plan.compiling import found, plan_of
from tests.runtime.kit import template

FLOW = """
nano_flow: 1
name: rows
workspace: .
steps:
  make: {run: "true"}
  each:
    needs: [make]
    for_each: {file: people.csv}
    as: person
    max_parallel: 1
    run: 'echo "$N" >> done.txt; test "$N" != Bo || test -e ready'
    env: {N: "{{ person.name }}"}
"""


def holding(data: bytes) -> Callable[[str], bytes]:
    return lambda path: data


@pytest.mark.parametrize(
    ("path", "data", "items"),
    [
        ("a.csv", b'name,n\nAnn,1\n"B, o",\n', [{"name": "Ann", "n": "1"}, {"name": "B, o", "n": ""}]),
        ("A.CSV", b"\xef\xbb\xbfname\r\nAnn\r\n", [{"name": "Ann"}]),
        ("a.csv", b"name\n", []),
        ("a.jsonl", b'{"n": 1}\n\n[2]\n', [{"n": 1}, [2]]),
        ("b.d/a.json", b'\xef\xbb\xbf[1, {"n": null}]', [1, {"n": None}]),
        ("a.txt", b"one\n two\n", ["one", " two"]),
        ("a.txt", b"", []),
    ],
)
def test_the_ending_says_how_a_file_is_read(path: str, data: bytes, items: list[Json]) -> None:
    assert rows_of(path, holding(data)) == items


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("a.xml", b"", 'reads .csv, .jsonl, .json or .txt, and this is "a.xml"'),
        ("b.d/csv", b"", 'and this is "b.d/csv"'),
        ("a.csv", b"name,n\nAnn\n", '"a.csv": line 2: 1 values, but the header has 2 columns'),
        ("a.jsonl", b"1\n{\n", '"a.jsonl": line 2: this is not JSON'),
        ("a.json", b"[1,\n2", '"a.json": line 2: this is not JSON'),
        ("a.json", b'{"rows": []}', '"a.json": the file holds one value, and not a list'),
        ("a.txt", b"\xff", '"a.txt" is not UTF-8 text'),
    ],
)
def test_what_is_no_list_is_said_with_its_line(path: str, data: bytes, said: str) -> None:
    with pytest.raises(StepError) as error:
        rows_of(path, holding(data))
    assert (error.value.kind, said in str(error.value)) == ("for_each", True), str(error.value)


def test_the_path_may_be_a_template_and_max_items_holds() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        return b"a\nb\nc\n"

    spec = PlannedForEach(None, max_items=3, rows=template("{{ inputs.day }}.txt"))
    assert read_list(spec, {"inputs": {"day": "monday"}}, read) == ["a", "b", "c"]
    assert asked == ["monday.txt"]
    with pytest.raises(StepError, match='got 3 items, "max_items" is 2'):
        read_list(PlannedForEach(None, max_items=2, rows=template("a.txt")), {}, read)


def test_columns_are_not_known_before_the_run_and_references_in_the_path_are_edges() -> None:
    text = """
steps:
  make: {run: [make]}
  each: {for_each: {file: "{{ steps.make.output.stdout }}"}, run: [echo, "{{ item.any.column }}"]}
"""
    each = plan_of(text).graph.steps[1]
    assert each.references == ("make",)
    assert each.for_each is not None and each.for_each.rows is not None and each.for_each.over is None
    (line,) = (each for each in found(text.replace("make.output", "nope.output")) if "NF327" not in each)
    assert line.startswith("5:") and "nope" in line


def test_another_file_is_another_digest() -> None:
    text = "steps: {a: {for_each: {file: a.csv}, run: [echo]}}"
    assert plan_of(text).digest != plan_of(text.replace("a.csv", "b.csv")).digest


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(FLOW)
    return Said(capsys)


def test_a_file_that_is_not_there_or_outside_fails_the_step(said: Said) -> None:
    assert "0-1000" in said("plan", "w.yaml")
    assert "for each person in people.csv" in said("graph", "w.yaml")
    said("run", "w.yaml", code=1)
    assert '"people.csv": No such file or directory' in said.err
    Path("w.yaml").write_text(FLOW.replace("people.csv", "../people.csv"))
    said("run", "w.yaml", code=1)
    assert '"../people.csv" is outside the workspace' in said.err


def test_a_resumed_run_reads_the_file_again_and_does_only_changed_rows(said: Said) -> None:
    Path("people.csv").write_text("name\nAnn\nBo\n")
    said("run", "w.yaml", code=1)
    assert Path("done.txt").read_text().split() == ["Ann", "Bo"]
    Path("people.csv").write_text("name\nAnn\nCy\n")
    said("resume", "last")
    assert Path("done.txt").read_text().split() == ["Ann", "Bo", "Cy"]
