"""Values are judged by JSON Schema without hanging and without fetching anything."""

from __future__ import annotations

import socket
from typing import NoReturn

import pytest

from nano_flow.core.messages import Json
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging import scalars
from nano_flow.source.regex_guard import PatternTooSlow

HANGING = "^(a+)+$"
LONG = "a" * 2_000 + "!"


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ({"a": 1}, {"properties": {"a": {"type": "integer"}}}, []),
        (
            {"a": [1, "x"]},
            {"properties": {"a": {"items": {"type": "integer"}}}},
            ["a[1]: 'x' is not of type 'integer'"],
        ),
        ("x", {"type": "integer"}, ["the value: 'x' is not of type 'integer'"]),
        ("abc", {"pattern": "b"}, []),
        ("abc", {"pattern": "^b"}, ["the value: 'abc' does not match '^b'"]),
        ("abc\n", {"pattern": "^abc$"}, ["the value: 'abc\\n' does not match '^abc$'"]),
        ("5$", {"pattern": "5\\$"}, []),
        (5, {"pattern": "x"}, []),
        ("x", {"pattern": "(?=look)"}, []),
        ("x", {"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, ["the value: 'x' is not of type 'null'"]),
    ],
)
def test_complaints(value: Json, schema: dict[str, Json], expected: list[str]) -> None:
    assert complaints(value, schema) == expected


def test_at_most_so_many() -> None:
    assert len(complaints([1] * 9, {"items": {"type": "string"}})) == 5
    assert len(complaints([1] * 9, {"items": {"type": "string"}}, 1)) == 1


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (LONG, {"pattern": HANGING}),
        ({LONG: 1}, {"patternProperties": {HANGING: {}}, "additionalProperties": False}),
        ({LONG: 1}, {"patternProperties": {HANGING: {}}, "unevaluatedProperties": False}),
        ({LONG: 1}, {"propertyNames": {"pattern": HANGING}}),
    ],
)
def test_patterns_do_not_hang(value: Json, schema: dict[str, Json]) -> None:
    assert complaints(value, schema) != []


class _Slow:
    stars = 0

    def found_in(self, text: str) -> bool:
        raise PatternTooSlow("the pattern takes too long")


def test_a_pattern_that_takes_too_long_is_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalars, "safe_pattern", lambda pattern: _Slow())
    assert complaints("x", {"pattern": "x"}) == ["the value: the pattern takes too long"]
    assert complaints({"x": 1}, {"patternProperties": {"x": False}}) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1, "x1": "s"}, []),
        ({"a": 1, "x1": 2}, ["x1: 2 is not of type 'string'"]),
        ({"y": 2}, ["the value: Additional properties are not allowed ('y' unexpected)"]),
        ([1], []),
    ],
)
def test_names_of_properties(value: Json, expected: list[str]) -> None:
    pattern: dict[str, Json] = {"^x": {"type": "string"}}
    schema: dict[str, Json] = {"properties": {"a": {}}, "patternProperties": pattern, "additionalProperties": False}
    assert complaints(value, schema) == expected


def test_other_properties_have_a_schema_too() -> None:
    schema: dict[str, Json] = {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}
    assert complaints({"a": 1, "b": "s", "c": 2}, schema) == ["c: 2 is not of type 'string'"]


def test_unevaluated_properties_beside_simple_patterns() -> None:
    schema: dict[str, Json] = {"patternProperties": {"^x": {}}, "unevaluatedProperties": False, "allOf": [{}]}
    assert complaints({"x": 1}, schema) == []
    assert "'y' was unexpected" in complaints({"x": 1, "y": 1}, schema)[0]
    odd: dict[str, Json] = {"patternProperties": {"(?=x)": {}}, "unevaluatedProperties": False, "x": [{"y": 1}]}
    assert complaints({"y": 1}, odd) == complaints(1, odd) == []


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def dial(*_: object) -> NoReturn:
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "create_connection", dial)
    assert complaints(1, {"$ref": "http://example.org/s.json"}) == [
        'its schema cannot be used: there is nothing at "http://example.org/s.json"'
    ]


def test_endless_schemas_end() -> None:
    assert complaints(1, {"$ref": "#"}) == ["the value or its schema is nested too deeply"]
    assert "cannot be used" in complaints(1, {"type": "nonsense"})[0]
