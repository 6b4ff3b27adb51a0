"""Values for JSON Schemas: whatever reasonable schema is asked for, the value holds against its validator."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nano_flow.core.messages import ChatRequest, Json, Message
from nano_flow.core.refs import ModelRef
from nano_flow.providers.sim import SimProvider
from nano_flow.providers.simulated.schemas import Unsatisfiable
from nano_flow.providers.simulated.strings import for_format, from_pattern
from nano_flow.providers.simulated.values import ValueMaker
from tests.providers.clock import FakeClock

Schema = dict[str, Json]


def value(schema: Schema, seed: int = 0) -> Json:
    """Through the provider, so that its own validation counts."""
    import asyncio

    request = ChatRequest(ModelRef("sim", "medium"), (Message("user", f"draw {seed}"),), output_schema=schema)
    made: Json = json.loads(asyncio.run(SimProvider(FakeClock()).complete(request)).text)
    Draft202012Validator(schema).validate(made)
    return made


TREE: Schema = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name", "children"],
        }
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "null"},
        {"const": {"a": 1}},
        {"enum": [1, "two", None]},
        {"type": ["null", "string"]},
        {"type": "integer", "exclusiveMinimum": 3, "maximum": 4},
        {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 7, "maximum": 20},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01},
        {"type": "number", "minimum": -3, "maximum": -1.5},
        {"type": "string", "minLength": 300},
        {"type": "string", "maxLength": 3},
        {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
        {"type": "string", "pattern": "^(?:foo|ba[rz])+\\.(?:py|js)$"},
        {"type": "string", "pattern": "^[^-]"},
        {"type": "string", "format": "uuid"},
        {"type": "array", "items": {"type": "integer"}, "minItems": 5},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
        {"type": "array", "items": {"type": "integer"}, "contains": {"const": 5}},
        {"type": "array", "maxItems": 0},
        {"type": "object", "required": ["undeclared"]},
        {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 1, "required": ["b"]},
        {"type": "object", "patternProperties": {"^x_": {"type": "boolean"}}, "minProperties": 2},
        {"type": "object", "propertyNames": {"pattern": "^[a-z]{4}$"}, "minProperties": 2},
        {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer", "minimum": 4}}}]},
        {"allOf": [{"minimum": 3}, {"type": "number", "maximum": 3.5}]},
        {"allOf": [{"minimum": 1, "maximum": 9}, {"type": "integer", "minimum": 4, "maximum": 5}]},
        {"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]},
        {"allOf": [{"type": ["string", "null"]}, {"type": "string"}, {"allOf": [{"maxLength": 4}]}]},
        {"allOf": [{"type": "number"}, {"type": "integer", "minimum": 2}]},
        {
            "type": "array",
            "minItems": 2,
            "allOf": [{"items": {"type": "integer"}}, {"items": {"minimum": 5}}],
        },
        {
            "allOf": [
                {
                    "type": "object",
                    "required": ["a"],
                    "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
                },
                {"required": ["a", "b"], "properties": {"a": {"minimum": 7}}},
            ]
        },
        {
            "$id": "https://example.com/a",
            "type": "object",
            "properties": {"v": {"$ref": "https://example.com/a#/$defs/n"}},
            "required": ["v"],
            "$defs": {"n": {"type": "integer"}},
        },
        {"prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}], "type": "array", "minItems": 2},
        {"type": ["array", "null"], "items": {"type": ["object", "string"]}},
        {"properties": {"a": False, "b": True}, "type": "object"},
        {"type": "object", "propertyNames": {"enum": ["x", "y"]}, "minProperties": 2},
        {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}]},
        {
            "type": "object",
            "properties": {"kind": {"enum": ["a", "b"]}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"required": ["x"], "properties": {"x": {"type": "integer"}}},
            "else": {"required": ["y"]},
        },
        {
            "$defs": {"n": {"$anchor": "num", "type": "integer"}},
            "properties": {"v": {"$ref": "#num"}},
            "required": ["v"],
        },
        {"type": "object", "properties": {"a/b": {"type": "integer"}, "c": {"$ref": "#/properties/a~1b"}}},
        TREE,
        {"type": "array", "items": {"oneOf": [{"type": "string"}, {"$ref": "#"}]}},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_reasonable_schemas(schema: Schema) -> None:
    for seed in range(5):
        value(schema, seed)


@pytest.mark.parametrize(
    "name",
    [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uuid",
        "json-pointer",
        "regex",
    ],
)
def test_formats(name: str) -> None:
    checker = Draft202012Validator.FORMAT_CHECKER
    made = for_format(name, Random(3))
    assert made
    assert checker.conforms(made, name)


def test_the_unknown_format_is_text() -> None:
    assert for_format("colour", Random(0)) is None
    assert isinstance(value({"type": "string", "format": "colour"}), str)


@given(st.from_regex(r"[a-c]{1,3}(\[[0-9x]{1,3}\])?[+*?]?(\|[a-z]{1,4})?", fullmatch=True), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_patterns(pattern: str, seed: int) -> None:
    import re

    made = from_pattern(pattern, Random(seed))
    assert made is not None
    assert re.search(pattern, made)


def test_a_pattern_that_cannot_be_met_is_given_up() -> None:
    assert from_pattern("(?=a)b", Random(0)) is None
    assert from_pattern("(", Random(0)) is None


def test_agreeable_choices_let_a_rehearsal_end() -> None:
    made = value(
        {
            "type": "object",
            "properties": {
                "score": {"type": "number", "minimum": 0, "maximum": 1},
                "approved": {"type": "boolean"},
                "verdict": {"enum": ["reject", "approve", "unclear"]},
            },
        }
    )
    assert isinstance(made, dict)
    assert isinstance(made["score"], float)
    assert made["score"] >= 0.85
    assert made["approved"] is True
    assert made["verdict"] == "approve"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$ref": "#lost"},
        {"$ref": "https://example.com/schema"},
        {"type": "string", "minLength": 10_000_000},
        {"type": "array", "minItems": 3, "maxItems": 1},
        {"type": "integer", "multipleOf": 10, "minimum": 1, "maximum": 9},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "array", "items": {"const": 1}, "minItems": 2, "uniqueItems": True},
        {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"anyOf": [False]},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_impossible_schemas_are_said_to_be(schema: Schema) -> None:
    with pytest.raises(Unsatisfiable):
        ValueMaker(schema, Random(0), lambda: "text").make(schema)


def test_a_pattern_that_would_hang_is_not_searched_for() -> None:
    import asyncio

    pattern = "^(x+x+)+y(?=z)$"
    schema: Schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}, "required": ["a"]}
    request = ChatRequest(ModelRef("sim", "medium"), (Message("user", "x" * 60),), output_schema=schema)
    assert json.loads(asyncio.run(SimProvider(FakeClock()).complete(request)).text)["a"]
    assert from_pattern(pattern, Random(1)) is None
