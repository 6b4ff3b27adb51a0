"""YAML to plain data: the JSON scalars, positions of every part, both parsers alike, all errors at once."""

from __future__ import annotations

import gc
import json
import pickle
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.source.collector import collector_paused
from nano_flow.source.scalars import ExactFloat
from nano_flow.source.yaml_nodes import read_yaml


def errors(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(DocumentError) as caught:
        read_yaml(text, "f.yaml")
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True), ("false", False), ("null", None), ("", None), ("0", 0), ("-12", -12), ("1.50", 1.5),
        ("1e3", 1000.0), ("-0.5", -0.5), ("no", "no"), ("on", "on"), ("True", "True"), ("~", "~"), ("010", "010"),
        ("0x10", "0x10"), ("1_000", "1_000"), ("12:30", "12:30"), ("2024-01-01", "2024-01-01"), (".5", ".5"),
        (".nan", ".nan"), (".inf", ".inf"), ("+1", "+1"), ("1.", "1."), ("'true'", "true"), ('"1"', "1"), ("''", ""),
        ("-", "-"), ("--1", "--1"), ("1.2.3", "1.2.3"), ("|\n  1\n", "1\n"),
    ],
)  # fmt: skip
def test_scalars_follow_json(written: str, value: object) -> None:
    if written == "-":
        written = '"-"'
    data = read_yaml(f"a: {written}\n", "f").data["a"]
    assert data == value
    assert type(data) in (type(value), ExactFloat)


def test_a_fraction_keeps_its_digits() -> None:
    number = read_yaml("a: 0.10", "f").data["a"]
    assert isinstance(number, ExactFloat)
    assert number.text == "0.10"
    assert json.dumps(number) == "0.1"
    assert pickle.loads(pickle.dumps(number)).text == "0.10"


@pytest.mark.parametrize("written", ["1e999", "-1e999", "9" * 41, "1." + "0" * 60])
def test_numbers_that_no_count_needs_are_refused(written: str) -> None:
    (found,) = errors(f"a:\n  b: {written}\n")
    assert (found.code, found.where.line, found.where.column) == ("NF114", 2, 6)


def test_keys_are_texts() -> None:
    assert read_yaml("1: a\ntrue: b\nnull: c\non: d\n1.50: e\n", "f").data == {
        "1": "a", "true": "b", "null": "c", "on": "d", "1.50": "e",
    }  # fmt: skip


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Z", "S")), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=8), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON_VALUES)
def test_json_reads_as_itself(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    for pure in (False, True):
        assert read_yaml(text, "f", pure=pure).data == value


@given(JSON_VALUES.filter(lambda value: isinstance(value, dict | list)), st.booleans())
def test_what_pyyaml_writes_is_read(value: object, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    fast, slow = read_yaml(text, "f"), read_yaml(text, "f", pure=True)
    assert fast.data == slow.data
    assert fast.positions.starts == slow.positions.starts


@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@`\n \t?1.é\u2028\x85", max_size=40))
def test_any_text_is_read_or_refused_with_places(text: str) -> None:
    for pure in (False, True):
        try:
            document = read_yaml(text, "f", pure=pure)
        except DocumentError as error:
            assert all(d.where.line >= 1 and d.where.column >= 1 and d.message for d in error.diagnostics)
        else:
            assert document.value_range(()).line >= 1


def test_aliases_repeat_data_and_lead_to_where_it_stands() -> None:
    document = read_yaml("a: &x {k: [1, 2]}\nb: *x\n", "f")
    assert document.data["b"] == {"k": [1, 2]}
    assert str(document.value_range(("b",))) == "f:2:4"
    assert str(document.value_range(("b", "k", 1))) == "f:1:15"


def test_depth_counts_through_aliases() -> None:
    text = "".join(f"a{n}: &a{n} " + "[" * 9 + (f"*a{n - 1}" if n else "1") + "]" * 9 + "\n" for n in range(8))
    assert [found.code for found in errors(text)] == ["NF107"]


def test_64_levels_are_read() -> None:
    assert read_yaml("[" * 64 + "]" * 64, "f").data is not None
    assert errors("[" * 65 + "]" * 65)[0].code == "NF107"


def test_all_errors_are_told_at_once() -> None:
    found = errors("a: 1\na: 2\nb: !t x\n<<: {}\n? [k]\n: 1\nc: *no\n")
    assert [(d.code, d.where.line) for d in found] == [
        ("NF110", 2), ("NF111", 3), ("NF112", 4), ("NF113", 5), ("NF109", 7),
    ]  # fmt: skip


def test_a_thousand_errors_are_counted() -> None:
    found = errors("".join(f"a: {n}\n" for n in range(1001)))
    assert len(found) == 201
    assert found[-1].message == "and 800 more errors"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n  prompt: {{ x }}\n", "quote it: '{{ x }}'"),
        ("a:\n  - {% if x %}y{% endif %}\n", "quote it: '{% if x %}y{% endif %}'"),
        ("a:\n  prompt: Fix: the issue\n", 'quote it, or write "prompt: |" and the text on the next lines'),
        ("a: @home\n", "quote it"),
        ("a: *.example.com\n", "quote it"),
        ("a:\n\tb: 1\n", "indent with spaces"),
        ("a: \"x\n", "close the quotes"),
        ("a: [1, 2\nb: 3\n", "close the bracket, or quote the text"),
    ],
)  # fmt: skip
def test_hints_say_what_to_type(text: str, hint: str) -> None:
    assert hint in [found.hint for found in errors(text)]


def test_the_collector_is_as_before() -> None:
    read_yaml("a: 1", "f")
    assert gc.isenabled()
    gc.disable()
    try:
        read_yaml("a: 1", "f")
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_byte_order_mark_moves_nothing() -> None:
    assert str(read_yaml(b"\xef\xbb\xbfa: 1\n", "f").key_range(("a",))) == "f:1:1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x 1\nb: [" + "*x, " * 101 + "]\n", "NF108"),
        ("a: &x 1\n*x : 2\n", "NF113"),
        ("[" + "1," * 400_001 + "]", "NF119"),
        (b"a: \xff\x00\n", "NF102"),
        (b"\xff\xfea\x00", "NF102"),
        ("%YAML 1.2\n%YAML 1.2\n---\na: 1\n", "NF111"),
        ("a: " + "x" * 1_048_577, "NF115"),
        ("a: 1\n---\nb: 1\n", "NF106"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 10 else "text",
)
def test_bounds_and_forms_that_are_refused(text: str | bytes, code: str) -> None:
    assert [found.code for found in errors(text)] == [code]


def test_a_version_of_yaml_may_be_named() -> None:
    assert read_yaml("%YAML 1.1\n---\na: 50%\n", "f").data == {"a": "50%"}


def test_the_first_of_two_keys_is_named_by_its_line_where_it_is_found() -> None:
    assert [found.hint for found in errors("x: {y: 1}\na: 1\n'a': 2\n")] == ["the first is in line 2"]
    assert [found.hint for found in errors('"\\u0061": 1\na: 2\n')] == [""]


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    assert read_yaml("a: [1, {b: c}]\n", "f").data == {"a": [1, {"b": "c"}]}
    assert [found.code for found in errors("a: @\n")] == ["NF104"]
