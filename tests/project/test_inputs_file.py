"""A file of inputs that cannot be read is wrong usage, whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.errors import UsageError
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
