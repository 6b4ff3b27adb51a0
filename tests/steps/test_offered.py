"""Schemas of servers are checked when their tools are listed; older forms of the draft pass."""

from __future__ import annotations

import pytest

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.steps.tools.offered import usable
from tests.steps.tools import FakeTool

DEEP: Json = {}
for _ in range(90):
    DEEP = {"not": DEEP}


def tool(parameters: dict[str, Json]) -> FakeTool:
    return FakeTool("srv.t", parameters=parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://x/y", "type": "object"},
        {"properties": {"a": {"type": "array", "items": [{"type": "string"}, {"type": "number"}]}}},
        {"properties": {"a": {"type": "number", "minimum": 0, "exclusiveMinimum": True}}},
        {"properties": {"a": {"$ref": "#/definitions/b"}}, "definitions": {"b": {"type": "string"}}},
        {"properties": {"a": {"x-ours": 1, "format": "date"}}},
        {"properties": {"a": DEEP}},
    ],
)
def test_what_real_servers_write_is_taken(parameters: dict[str, Json]) -> None:
    made = tool(parameters)
    assert usable(made) is made


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"properties": []}, "properties: expected a mapping of schemas"),
        ({"properties": {"a": {"type": "any"}}}, 'properties.a.type: "any" is no JSON type'),
        ({"properties": {"a": {"minimum": "1"}}}, "properties.a.minimum: expected a number"),
        ({"properties": {"a": {"multipleOf": 0}}}, "expected a number above 0"),
        ({"properties": {"a": {"enum": []}}}, "expected a list of values"),
        ({"properties": {"a": {"required": True}}}, "expected a list of member names"),
        ({"dependentRequired": {"a": 1}}, "expected a mapping of lists of names"),
        ({"$ref": "https://example.org/s.json"}, "leads out of this schema"),
        ({"$ref": "#/nowhere"}, 'nothing is at "#/nowhere"'),
        ({"allOf": [{"$ref": "#"}]}, "leads back to itself"),
        ({"anyOf": {}}, "expected a list of schemas"),
        ({"properties": {"a": 5}}, "expected a schema"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_place(parameters: dict[str, Json], said: str) -> None:
    with pytest.raises(StepError) as caught:
        usable(tool(parameters))
    message = str(caught.value)
    assert 'the parameters that the server gives for "srv.t"' in message
    assert said in message
    assert "by their names" in message
