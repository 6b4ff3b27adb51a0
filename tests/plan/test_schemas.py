"""JSON Schemas in workflows: judged before a run, at the place of the fault, without a validator."""

from __future__ import annotations

import pytest

from nano_flow.core.messages import Json
from nano_flow.plan.checks.schemas.rules import MOST_SCHEMAS, check_schema
from tests.plan.compiling import found, hints


def faults(schema: Json) -> list[str]:
    return [f"{'.'.join(map(str, f.path))}: {f.code} {f.message}" for f in check_schema(schema)]


GOOD: list[Json] = [
    True,
    {},
    {"type": ["string", "null"], "enum": ["a", None], "pattern": "^a+$", "minLength": 1, "format": "date"},
    {"type": "array", "prefixItems": [{"type": "string"}], "items": False, "uniqueItems": True, "maxItems": 3},
    {"$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
    {"$defs": {"n": {"$anchor": "node", "type": "string"}}, "properties": {"a": {"$ref": "#node"}}},
    {"$defs": {"a/b": {"type": "string"}}, "items": {"$ref": "#/$defs/a~1b"}},
    {"properties": {"a": {"$ref": "#"}}, "required": ["a"], "dependentRequired": {"a": ["b"]}},
    {"oneOf": [{"const": 1}, {"not": {"type": "string"}}], "if": {}, "then": {}, "else": {"minimum": 1.5}},
    {"patternProperties": {"^x-": {"type": "integer", "multipleOf": 2}}, "additionalProperties": {"default": 3}},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "t", "x-mine": 1, "examples": [1]},
]


@pytest.mark.parametrize("schema", GOOD)
def test_good_schemas(schema: Json) -> None:
    assert faults(schema) == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "objct"}, 'type: NF316 "objct" is no JSON type: expected one of string, number'),
        ({"type": []}, "type: NF316 expected a type, or a list of different types"),
        ({"type": ["string", "string"]}, "type: NF316 expected a type, or a list of different types"),
        ({"type": None}, 'type: NF316 "None" is no JSON type'),
        ({"pattern": "("}, 'pattern: NF317 the pattern "(" cannot be used'),
        ({"pattern": 3}, "pattern: NF316 expected a regular expression, found a number"),
        ({"patternProperties": {"(": {}}}, 'patternProperties: NF317 the pattern "(" cannot be used'),
        ({"patternProperties": []}, "patternProperties: NF316 expected a mapping of patterns, found a list"),
        ({"minLength": -1}, "minLength: NF316 expected a whole number from 0 up"),
        ({"maximum": "3"}, "maximum: NF316 expected a number, found a text"),
        ({"multipleOf": 0}, "multipleOf: NF316 expected a number above 0"),
        ({"enum": []}, "enum: NF316 expected a list of values"),
        ({"required": True}, "required: NF316 expected a list of member names, found a boolean"),
        ({"required": [1]}, "required: NF316 expected a list of member names"),
        ({"uniqueItems": "yes"}, "uniqueItems: NF316 expected true or false, found a text"),
        ({"items": [{}]}, "items: NF316 expected one schema, found a list"),
        ({"items": None}, "items: NF316 expected a schema, found null"),
        ({"items": "string"}, "items: NF316 expected a schema (a mapping, true or false), found a text"),
        ({"properties": {"a": "string"}}, "properties.a: NF316 expected a schema"),
        ({"properties": ["a"]}, "properties: NF316 expected a mapping of schemas, found a list"),
        ({"allOf": []}, "allOf: NF316 expected a list of schemas"),
        ({"anyOf": [3]}, "anyOf.0: NF316 expected a schema"),
        ({"title": 3}, "title: NF316 expected a text, found a number"),
        ({"title": None}, "title: NF316 expected a text, found null"),
        ({"$ref": 3}, "$ref: NF318 expected a reference such as '#/$defs/name'"),
        ({"$ref": "http://169.254.169.254/"}, '$ref: NF318 "$ref: http://169.254.169.254/" leads out of this schema'),
        ({"$ref": "other.json#/a"}, '$ref: NF318 "$ref: other.json#/a" leads out of this schema'),
        ({"$ref": "#/$defs/a", "$defs": {"b": {}}}, '$ref: NF318 nothing is at "#/$defs/a"'),
        ({"$ref": "#nobody"}, '$ref: NF318 nothing is at "#nobody"'),
        ({"$ref": "#/type", "type": "string"}, '$ref: NF318 nothing is at "#/type"'),
        ({"$id": "http://x/"}, '$id: NF318 "$id" is not read here'),
        ({"$dynamicRef": "#a"}, '$dynamicRef: NF318 "$dynamicRef" is not read here'),
        ({"$ref": "#"}, "$ref: NF318 this reference leads back to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "$ref: NF318 this reference leads back"),
        ({"items": {"anyOf": [{"allOf": [{"$ref": "#/items"}]}]}}, "items: NF318 this reference leads back"),
        ({"nullable": True}, 'nullable: NF316 "nullable" is no keyword of JSON Schema'),
        ({"propertes": {}}, 'propertes: NF316 "propertes" is no keyword of JSON Schema'),
        (3, ": NF316 expected a schema (a mapping, true or false), found a number"),
        ([], ": NF316 expected a schema (a mapping, true or false), found a list"),
    ],
)
def test_bad_schemas(schema: Json, expected: str) -> None:
    (line,) = faults(schema)
    assert line.startswith(expected)


def test_a_huge_schema_is_refused() -> None:
    assert check_schema({"anyOf": [{} for _ in range(MOST_SCHEMAS + 1)]})[0].message.startswith("the schema has more")


def test_shared_parts_are_judged_once() -> None:
    part: dict[str, Json] = {"minLength": -1}
    assert len(check_schema({"properties": {"a": part, "b": part}})) == 1


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    (line,) = found('steps: {a: {prompt: x, output_schema: {type: "a\\n\\e[31m"}}}\n')
    assert line.startswith('3:46 NF316 "a \\x1b[31m" is no JSON type')
    (line,) = found(f"steps: {{a: {{prompt: x, output_schema: {{type: {'b' * 2000}}}}}}}\n")
    assert len(line) < 620 and line.endswith("…")


def test_faults_stand_where_they_are() -> None:
    text = """
    inputs:
      age: {type: integer, minimum: 1, default: 0}
      name: {type: strng}
      key: {type: string, secret: true, default: x}
      free: {type: string, default: null}
    tools:
      t: {description: d, parameters: {type: array}, run: [x], output_schema: {minimum: x}}
    steps:
      a:
        prompt: x
        output_schema:
          type: object
          properties:
            mail: {type: string, pattern: "("}
            old: {type: string, nullable: true}
      b: {approve: {message: hi, input: {type: objekt}}}
    """.replace("strng}", "string, pattern: '['}")
    assert [line.rpartition(" cannot be")[0] or line for line in found(text)] == [
        '4:45 NF331 the default of "age" must be at least 1, found 0',
        '5:33 NF317 the pattern "["',
        '6:46 NF308 the input "key" is secret and cannot have a default: it would stand in this file',
        "9:42 NF316 the arguments of a tool are an object",
        "9:85 NF316 expected a number, found a text",
        '16:39 NF317 the pattern "("',
        '17:29 NF316? "nullable" is no keyword of JSON Schema',
        '18:44 NF316 "objekt" is no JSON type: expected one of string, number, integer, boolean, object, array, null; '
        'did you mean "object"?',
    ]
    assert "write `type: [string, 'null']`" in hints(text)


def test_defaults_fit_their_type() -> None:
    text = """
    inputs:
      a: {type: boolean, default: "yes"}
      b: {enum: [x, y], default: z}
      c: {type: [string, "null"], default: 3}
      d: {type: number, maximum: 3, default: 3.5}
      e: {type: array, default: {}}
      f: {const: 1, default: 2}
      g: {type: integer, default: 2.0}
    steps: {s: {prompt: x}}
    """
    assert [line.split("NF331 ")[1] for line in found(text)] == [
        'the default of "a" must be a boolean, found "yes"',
        'the default of "b" must be one of "x", "y", found "z"',
        'the default of "c" must be a string or null, found 3',
        'the default of "d" must be at most 3, found 3.5',
        'the default of "e" must be an array, found a mapping',
        'the default of "f" must be 1, found 2',
    ]
