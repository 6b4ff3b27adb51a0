"""Each keyword once, against the reference; what the reference has no opinion on, against the words here."""

from __future__ import annotations

import pytest

from nano_flow.core.messages import Json
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging.judge import Judge
from nano_flow.source.judging.meter import Meter
from tests.source.test_judging import DEFS, ours, reference

VALUES: list[Json] = [{"a": 1, "x1": "s"}, {"b": None}, [1, "x", 1], [], "ab", 7, 2.5, None, True, {"x1": 1, "c": 2}]
INNER: dict[str, Json] = {"a": {"type": "integer"}, "b": True}
SCHEMAS: list[dict[str, Json]] = [
    {"allOf": [{"type": "object"}, {"required": ["a"]}]},
    {"anyOf": [{"type": "object"}, {"minimum": 3}]},
    {"oneOf": [{"type": "number"}, {"minimum": 3}, {"type": "object"}]},
    {"not": {"type": "object"}},
    {"if": {"type": "object"}, "then": {"required": ["a"]}, "else": {"type": "array"}},
    {"$ref": "#/$defs/leaf"},
    {"propertyNames": {"maxLength": 1}},
    {"dependentRequired": {"a": ["b", "x1"], "c": []}},
    {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"prefixItems": [{"type": "string"}, {"type": "string"}], "items": {"const": 1}},
    {"prefixItems": [{"type": "integer"}], "items": False},
    {"items": False},
    {"contains": {"const": 1}, "minContains": 3},
    {"contains": {"const": 1}, "maxContains": 1},
    {"contains": {"const": 9}},
    {"uniqueItems": True},
    {"minItems": 1, "maxItems": 2},
    {"minLength": 3, "maxLength": 0},
    {"minProperties": 2, "maxProperties": 1},
    {"exclusiveMinimum": 7, "exclusiveMaximum": 2.5, "multipleOf": 2},
    {"enum": [1, "ab", None, {"b": None}], "const": 7},
    {"properties": INNER, "unevaluatedProperties": False},
    {"properties": INNER, "patternProperties": {"^x": {}}, "unevaluatedProperties": False},
    {"allOf": [{"properties": INNER}, {"$ref": "#/$defs/leaf"}], "unevaluatedProperties": {"type": "null"}},
    {"dependentSchemas": {"a": {"properties": {"x1": True}}}, "properties": INNER, "unevaluatedProperties": False},
    {"if": {"required": ["a"]}, "then": {"properties": INNER}, "else": {"additionalProperties": True}}
    | {"unevaluatedProperties": False},
    {"if": {"required": ["zz"]}, "else": {"properties": INNER}, "unevaluatedProperties": False},
    {"prefixItems": [True], "unevaluatedItems": False},
    {"contains": {"type": "integer"}, "unevaluatedItems": False},
    {"anyOf": [{"items": True}, {"prefixItems": [True, True]}], "unevaluatedItems": False},
    {"allOf": [True, {"prefixItems": [True]}], "unevaluatedItems": False},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: "-".join(schema))
def test_each_keyword_says_what_the_reference_says(schema: dict[str, Json]) -> None:
    for value in VALUES:
        whole = {**schema, "$defs": DEFS}
        assert ours(value, whole) == reference(value, whole), value


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("#/$defs/gone", "there is nothing at"),
        ("#gone", "there is nothing at"),
        ("#/$defs/list/0", "there is nothing at"),
        ("other.json#/x", "there is nothing at"),
    ],
)
def test_a_reference_to_nothing_is_named(reference: str, said: str) -> None:
    assert said in complaints(1, {"$ref": reference, "$defs": DEFS})[0]


def test_anchors_and_names_of_its_own_are_found() -> None:
    leaf: dict[str, Json] = {"$anchor": "leaf", "type": "string"}
    for place in ("#leaf", "https://x/y#leaf", "https://x/y#/$defs/a"):
        assert "not of type" in complaints(1, {"$id": "https://x/y", "$ref": place, "$defs": {"a": leaf}})[0]
    assert Judge({"$id": "https://x/y"}, Meter(100), {}).target("https://x/y") == {"$id": "https://x/y"}
    assert "not of type" in complaints([1], {"items": {"$ref": "#/$defs/0"}, "$defs": [{"type": "string"}]})[0]  # type: ignore[dict-item]
