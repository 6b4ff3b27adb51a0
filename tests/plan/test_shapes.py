"""What is known of values before a run: members, items and values that schemas, kinds of step and texts tell."""

from __future__ import annotations

import pytest

from nano_flow.core.messages import Json
from nano_flow.plan.names.literals import misfit
from nano_flow.plan.names.members import item_of, member
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.names.schema_shape import MOST_PARTS, enum_of, is_list
from nano_flow.plan.shape import (
    ANYTHING,
    NUMBER,
    TEXT,
    Described,
    ListOf,
    Missing,
    OneOf,
    Shape,
    first_found,
    record,
)
from nano_flow.source.judging.pointer import NoTarget, find, resolve


def described(schema: Json) -> Described:
    return Described(schema, schema)


@pytest.mark.parametrize(
    ("schema", "name", "found"),
    [
        ({"properties": {"a": {"type": "string"}}}, "a", {"type": "string"}),
        ({"allOf": [{"properties": {"a": {"const": 1}}}]}, "a", {"const": 1}),
        ({"if": {}, "then": {"properties": {"a": True}}}, "a", True),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}}}, "a", {}),
        ({"type": "array", "items": {"type": "string"}}, "0", {"type": "string"}),
    ],
)
def test_members_that_a_schema_has(schema: Json, name: str, found: Json) -> None:
    shape = member(described(schema), name)
    assert isinstance(shape, Described) and shape.schema == found


def test_a_member_of_several_parts_is_one_of_them() -> None:
    shape = member(described({"properties": {"a": {"const": 1}}, "anyOf": [{"properties": {"a": {"const": 2}}}]}), "a")
    assert isinstance(shape, OneOf) and len(shape.options) == 2


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object"},
        {"type": ["object", "null"]},
        {"properties": {"a": {}}, "additionalProperties": True},
        {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        {"properties": {"a": {}}, "unevaluatedProperties": True},
        {"properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {"anyOf": [{"properties": {f"p{n}": {}}} for n in range(MOST_PARTS)]},
        {"type": "array", "prefixItems": [{}], "items": {}},
    ],
)
def test_members_that_it_may_have(schema: Json) -> None:
    assert member(described(schema), "0") == ANYTHING


@pytest.mark.parametrize(
    ("schema", "missing"),
    [
        ({"properties": {"a": {}, "b": {}}}, Missing("member", ("a", "b"))),
        ({"properties": {"a": {}}, "additionalProperties": False}, Missing("member", ("a",))),
        ({"type": "string"}, Missing("scalar", ("a text",))),
        ({"type": "integer"}, Missing("scalar", ("a number",))),
        ({"type": ["boolean", "null"]}, Missing("scalar", ("a boolean",))),
        ({"type": "null"}, Missing("scalar", ("null",))),
        ({"type": "array"}, Missing("list")),
    ],
)
def test_members_that_it_has_not(schema: Json, missing: Missing) -> None:
    assert member(described(schema), "z") == missing


def test_members_of_other_shapes() -> None:
    assert member(ANYTHING, "x") == ANYTHING
    assert member(TEXT, "x") == Missing("scalar", ("a text",))
    assert member(ListOf(TEXT), "-1") == TEXT
    assert member(ListOf(TEXT), "x") == Missing("list")
    assert member(ListOf(TEXT, fan_out=True), "x") == Missing("fan_out")
    assert member(OneOf((TEXT, record(a=NUMBER))), "a") == NUMBER
    assert member(OneOf((TEXT, record(a=NUMBER))), "b") == Missing("member", ("a",))
    assert member(OneOf((TEXT, NUMBER)), "b") == Missing("scalar", ("a text",))
    assert member(OneOf((record(a=NUMBER), record(a=TEXT))), "a") == OneOf((NUMBER, TEXT))
    assert first_found([]) == ANYTHING


@pytest.mark.parametrize(
    ("shape", "item"),
    [
        (ListOf(TEXT), TEXT),
        (described({"type": "array"}), ANYTHING),
        (described({"prefixItems": [{}]}), ANYTHING),
        (TEXT, ANYTHING),
    ],
)
def test_items(shape: Shape, item: Shape) -> None:
    assert item_of(shape) == item


def test_items_of_a_schema() -> None:
    found = item_of(described({"anyOf": [{}, {"items": {"const": 1}}]}))
    assert isinstance(found, Described) and found.schema == {"const": 1}


def test_values_that_a_schema_counts() -> None:
    assert enum_of(described({"enum": ["a", 1]})) == ("a", 1)
    assert enum_of(described({"const": "a"})) == ("a",)
    assert enum_of(described({"type": "boolean"})) == (True, False)
    assert enum_of(described({"type": "string"})) is None
    assert enum_of(TEXT) is None


@pytest.mark.parametrize(
    ("schema", "verdict"),
    [({}, None), ({"type": "array"}, True), ({"type": "object"}, False), ({"type": ["array", "null"]}, None)],
)
def test_whether_a_value_is_a_list(schema: Json, verdict: bool | None) -> None:
    assert is_list(described(schema)) is verdict


def test_references_inside_a_schema() -> None:
    root: Json = {"$defs": {"a b": [1, {"$anchor": "here"}]}, "list": [[{"$anchor": "deep"}]]}
    assert find(root, "#/$defs/a%20b/1") == {"$anchor": "here"}
    assert find(root, "#here") == {"$anchor": "here"} and find(root, "#deep") == {"$anchor": "deep"}
    assert find(root, "#") is root
    for nowhere in ("x", "#/$defs/c", "#/$defs/a b/7", "#/$defs/a b/x", "#/$defs/a b/²", "#nobody"):
        assert isinstance(find(root, nowhere), NoTarget)
    assert resolve(root, "#nobody") is True


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (1, {}, ""),
        ("x", {"type": "string"}, ""),
        (None, {"type": "null"}, ""),
        ({}, {"type": "object"}, ""),
        (2.0, {"type": "integer"}, ""),
        (True, {"type": "boolean"}, ""),
        (True, {"type": "number"}, "must be a number, found true"),
        ([1], {"type": "string"}, "must be a string, found a list"),
        ({"a": 1}, {"type": "string"}, "must be a string, found a mapping"),
        ("x" * 60, {"type": "integer"}, f'must be an integer, found "{"x" * 38}…'),
        ([3], {"enum": [1]}, ""),
        (1, {"type": "unheard-of"}, ""),
        (4, {"minimum": 3, "maximum": 5}, ""),
    ],
)
def test_written_values(value: Json, schema: dict[str, Json], said: str) -> None:
    assert misfit(value, schema) == said


def test_names() -> None:
    assert did_you_mean("reveiw", ["review", "report"]) == 'did you mean "review"?'
    assert did_you_mean("xyz", ["review"]) == ""
    assert listed(f"n{i}" for i in range(10)).endswith('"n7" and 2 more')
