"""Where things stand: keys, values, characters inside block and quoted texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.diagnostics import SourceRange
from nano_flow.source.alignment import offset_in_source
from nano_flow.source.source_map import Lines, Path, SourceDocument
from nano_flow.source.yaml_nodes import read_yaml

TEXT = """\
a: 1
steps:
  one: {prompt: "x", list: [a, {b: c}]}
  two:
    prompt: |
      first {{ a }}
        second {{ b }}

      third
"""


@pytest.fixture
def document() -> SourceDocument:
    return read_yaml(TEXT, "f")


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("a",), "1:1-1:2", "1:4-1:5"),
        (("steps", "one"), "3:3-3:6", "3:8-3:40"),
        (("steps", "one", "prompt"), "3:9-3:15", "3:17-3:20"),
        (("steps", "one", "list", 1, "b"), "3:33-3:34", "3:36-3:37"),
        (("steps", "two"), "4:3-4:6", "5:5-10:1"),
        (("steps", "two", "prompt"), "5:5-5:11", "5:13-10:1"),
        ((), "1:1-10:1", "1:1-10:1"),
        (("steps", "one", "nothing"), "3:3-3:6", "3:8-3:40"),
        (("steps", "one", "list", 9), "3:22-3:26", "3:28-3:39"),
    ],
)
def test_ranges(document: SourceDocument, path: Path, key: str, value: str) -> None:
    def shown(where: SourceRange) -> str:
        return f"{where.line}:{where.column}-{where.end_line}:{where.end_column}"

    assert (shown(document.key_range(path)), shown(document.value_range(path))) == (key, value)


def test_what_is_missing_is_missed_at_the_start_of_its_mapping(document: SourceDocument) -> None:
    where = document.start_range(("steps", "two"))
    assert (str(where), where.end_column) == ("f:5:5", 6)


@pytest.mark.parametrize(
    ("written", "marked"),
    [
        ("a: plain {{ x }}\n", "1:13"),
        ('a: "quoted {{ x }}"\n', "1:15"),
        ("a: 'it''s {{ x }}'\n", "1:14"),
        ('a: "t\\t\\u00e9 \\"q\\" {{ x }}"\n', "1:24"),
        ("a: |\n  one\n\n  two {{ x }}\n", "4:10"),
        ("a: |2\n    deep {{ x }}\n", "2:13"),
        ("a: |-\n\n  two {{ x }}\n", "3:10"),
        ("a: one\n\n\n  two {{ x }}\n", "4:10"),
        ("a: >\n  one\n  two\n\n  three {{ x }}\n", "5:12"),
        ("a: one\n  two\n\n  three {{ x }}\n", "4:12"),
        ('a: "one\n  two\n\n  three {{ x }}"\n', "4:12"),
        ('a: "one\\\n  two {{ x }}"\n', "2:10"),
        ("a: |\r\n  one\r\n  two {{ x }}\r\n", "3:10"),
        ("a: &x |\n  {{ x }}\n", "2:6"),
    ],
)
def test_a_character_of_a_text_is_found_in_the_file(written: str, marked: str) -> None:
    document = read_yaml(written, "f")
    value = document.data["a"]
    before = value[: value.index("x }}")]
    where = document.locator(("a",))(before.count("\n"), len(before) - before.rfind("\n") - 1)
    assert f"{where.line}:{where.column}" == marked


@given(st.text(alphabet="ab \n'\"\\é", max_size=60).filter(lambda text: text.strip() != ""))
def test_every_character_of_any_text_is_found(text: str) -> None:
    import json

    document = read_yaml(f"a: {json.dumps(text + 'X')}\n", "f")
    value = document.data["a"]
    where = document.text_range(("a",), value.count("\n"), len(value) - value.rfind("\n") - 2)
    assert document.text[document.lines.starts[where.line - 1] + where.column - 1] == "X"


def test_lines_end_as_in_editors() -> None:
    lines = Lines("f", "a\r\nb\rc\nd\u2028e\x85f")
    assert [lines.line(number) for number in range(1, 6)] == ["a", "b", "c", "d\u2028e\x85f", ""]
    assert str(lines.range(7, 8)) == "f:4:1"


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 5), st.integers(0, 50))
def test_no_place_is_outside_of_what_was_written(written: str, value: str, line: int, column: int) -> None:
    assert 0 <= offset_in_source(written, value, line, column) <= max(len(written) - 1, 0)


def test_a_text_that_is_longer_than_what_was_written_ends_where_that_ends() -> None:
    assert offset_in_source("|\n a", "abcdef", 0, 5) == 3
    assert offset_in_source("ab", "abcdef", 0, 5) == 1


def test_what_is_no_text_has_one_place(document: SourceDocument) -> None:
    assert document.text_range(("steps", "two"), 3, 3) == document.value_range(("steps", "two"))


@pytest.mark.parametrize(
    ("path", "value"), [(("a", "x"), 1), (("steps", "one", "list", 5), ["a", {"b": "c"}]), (("z",), None)]
)
def test_values_are_those_of_the_nearest_part(document: SourceDocument, path: Path, value: object) -> None:
    assert document.value(path) == (document.data if value is None else value)
    assert document.value_range((*path, "deeper")).line >= 1


def test_the_document_names_its_file_and_text(document: SourceDocument) -> None:
    assert (document.file, document.text) == ("f", TEXT)
