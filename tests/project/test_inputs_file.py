"""A file of inputs that cannot be read is wrong usage, whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.plan.plan import PlannedInput
from nano_flow.project.files import given_value
from nano_flow.project.preparing import read_inputs_file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1', r'i.json" is not JSON: expecting .* at line 1, column 8'),
        ("", "is not JSON: expecting value at line 1, column 1"),
        ('{"a": NaN}', "is not JSON: NaN is not JSON"),
        ("[" * 100_000, "is not JSON: nested too deeply: more than 100 levels"),
        ('{"a": ' + "9" * 5_000 + "}", "is not JSON: a number of 5000 digits is out of range"),
        ("[1]", "must hold a mapping"),
    ],
)
def test_json_that_cannot_be_read(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "i.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_inputs_file(str(path))


def test_json_and_yaml(tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text('{"a": {"b": [1, 2.5, null]}}')
    (tmp_path / "i.yaml").write_text("a: {b: [1, 2.5, null]}")
    assert read_inputs_file(str(tmp_path / "i.json")) == read_inputs_file(str(tmp_path / "i.yaml"))


ROWS = PlannedInput("rows", {"type": "array"}, required=True)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("r.csv", "id,name\n1,Ann\n", [{"id": "1", "name": "Ann"}]),
        ("r.tsv", "id\tname\n1\tAnn\n", [{"id": "1", "name": "Ann"}]),
        ("r.jsonl", '{"id": 1}\n2\n', [{"id": 1}, 2]),
        ("r.txt", "one\ntwo\n", ["one", "two"]),
        ("r.json", "[1, 2]", [1, 2]),
    ],
)
def test_a_table_becomes_the_rows_of_a_list(name: str, text: str, value: object, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert given_value(ROWS, f"@{tmp_path / name}") == value


def test_a_table_is_a_text_where_a_text_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("a,b")
    assert given_value(PlannedInput("t", {"type": "string"}, required=True), f"@{tmp_path / 'r.csv'}") == "a,b"


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("a,b\n1\n")
    with pytest.raises(ValueError, match=r'input "rows": ".*r\.csv": line 2: 1 values, but the header has 2 columns'):
        given_value(ROWS, f"@{tmp_path / 'r.csv'}")
