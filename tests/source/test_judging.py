"""Judging says what the reference validator says, and its cost grows with the value, whatever the schema is."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from nano_flow.core.messages import Json
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging.meter import AT_ONCE, Meter, Patience, TooLong
from nano_flow.source.judging.values import is_multiple, key_of, shown

GENERATE = (Phase.explicit, Phase.generate)  # shrinking takes minutes; what failed is small enough to read
CASES = int(os.environ.get("NANO_FLOW_FUZZ", "20000" if os.environ.get("NANO_FLOW_LONG") else "100"))
NAMES = ("a", "b", "ab", "x1", "")
TEXTS = ("", "a", "ab", "x1", "é", "a'b\"c")
NUMBERS = (0, 1, -1, 2, 1.0, 0.5, 2.5, 1e300, 10**30, 3.0000000000000004)

scalars = st.sampled_from([None, True, False, *NUMBERS, *TEXTS])
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
KINDS = ("string", "number", "integer", "boolean", "object", "array", "null")
counts = st.integers(0, 3)


def _made(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    many = st.lists(inner, min_size=1, max_size=3)
    members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
    keywords: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True),
        "enum": st.lists(data, min_size=1, max_size=3),
        "const": data,
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), st.sampled_from(NUMBERS)),
        "multipleOf": st.sampled_from([1, 2, 0.5, 0.01, 3]),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), counts),
        **dict.fromkeys(("minContains", "maxContains"), counts),
        "pattern": st.sampled_from(["^a", "b", "x[0-9]"]),
        "required": names,
        "uniqueItems": st.booleans(),
        "dependentRequired": st.dictionaries(st.sampled_from(NAMES), names, max_size=2),
        **dict.fromkeys(("properties", "dependentSchemas"), members),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b", "x[0-9]"]), inner, max_size=2),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), many),
        **dict.fromkeys(("not", "if", "then", "else", "items", "contains", "additionalProperties"), inner),
        **dict.fromkeys(("propertyNames", "unevaluatedProperties", "unevaluatedItems"), inner),
        "$ref": st.sampled_from(["#/$defs/leaf", "#/$defs/list"]),
    }
    return st.fixed_dictionaries({}, optional=keywords).map(
        lambda schema: {name: schema[name] for name in list(schema)[:4]} | _beside(schema)
    )


def _beside(schema: dict[str, Json]) -> dict[str, Json]:
    """Keywords that mean nothing alone."""
    return {name: schema[name] for name in ("then", "else", "minContains", "maxContains") if name in schema}


schemas = st.recursive(st.booleans() | st.builds(dict), _made, max_leaves=6)
DEFS: dict[str, Json] = {"leaf": {"type": "integer", "minimum": 1}, "list": {"items": {"$ref": "#/$defs/leaf"}}}


def _additional(validator: Any, allowed: Any, value: Any, schema: Any) -> Any:
    """The reference names the members in another order, and says it otherwise beside patterns."""
    found = list(Draft202012Validator.VALIDATORS["additionalProperties"](validator, allowed, value, schema))
    if isinstance(allowed, dict):
        return sorted(found, key=lambda error: list(value).index(error.path[0]))
    return [ValidationError("more") for _ in found]


untyped: Any = extend
Reference = untyped(Draft202012Validator, {"additionalProperties": _additional})


def reference(value: Json, schema: Json) -> list[str]:
    ordered = json.loads(json.dumps(schema, sort_keys=True))
    said = []
    for error in Reference(ordered).iter_errors(value):
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
        said.append(_plain(f"{path or 'the value'}: {error.message[:300]}"))
    return said


def ours(value: Json, schema: dict[str, Json]) -> list[str]:
    head = "Additional properties are not allowed"
    return [_plain(f"{c.split(': ')[0]}: more" if head in c else c) for c in complaints(value, schema, 1_000)]


def _plain(complaint: str) -> str:
    """Without the oddities of the reference: no place where no schema admits a value, a name once for each fault."""
    if "Unevaluated properties are not valid" in complaint:
        return complaint.partition("(")[0]
    place, _, said = complaint.partition(": False schema")
    return f"False schema{said}" if said else place


@settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=GENERATE)
@given(data, schemas)
def test_the_reference_says_the_same(value: Json, schema: Json) -> None:
    whole: dict[str, Json] = (
        {"allOf": [schema], "$defs": DEFS} if isinstance(schema, bool) else {**schema, "$defs": DEFS}
    )
    try:
        expected = reference(value, whole)
    except OverflowError:  # the reference cannot judge huge numbers under multipleOf
        return
    assert ours(value, whole) == expected


HOSTILE: dict[str, tuple[Json, dict[str, Json]]] = {
    "unique objects": ([{"a": n, "b": [n]} for n in range(40_000)], {"uniqueItems": True}),
    "unique numbers that collide": ([n * (2**61 - 1) for n in range(40_000)], {"uniqueItems": True}),
    "an enum of large values": ([[list(range(50))] * 50] * 50, {"items": {"enum": [[list(range(50))] * 51] * 50}}),
    "contains in contains": ([[[1] * 60] * 60] * 60, {"contains": {"contains": {"contains": {"const": 2}}}}),
    "wide": ({f"k{n}": n for n in range(20_000)}, {"patternProperties": {f"^k{n}$": {} for n in range(20)}}),
}
DOUBLING: dict[str, Json] = {
    "$ref": "#/$defs/a",
    "$defs": {
        "a": {
            "anyOf": [
                {"properties": {"x": {"$ref": "#/$defs/a"}, "y": False}, "required": ["y"]},
                {"properties": {"x": {"$ref": "#/$defs/a"}, "z": False}, "required": ["z"]},
            ]
        }
    },
}


def _nested(depth: int) -> Json:
    value: Json = {}
    for _ in range(depth):
        value = {"x": value, "y": 1, "z": 1}
    return value


@pytest.mark.parametrize("case", HOSTILE)
def test_no_value_takes_long(case: str) -> None:
    value, schema = HOSTILE[case]
    started = time.process_time()
    found = complaints(value, schema)
    assert time.process_time() - started < 20
    assert not any("takes more than" in one for one in found)


def test_a_schema_that_doubles_at_each_level_is_given_up_by_count() -> None:
    (said,) = complaints(_nested(60), DOUBLING)
    assert said.startswith("the value takes more than 1,036,200 steps to judge by its schema")
    with pytest.raises(TooLong):
        complaints(_nested(60), DOUBLING, patience=AT_ONCE)


def test_somebody_may_say_stop() -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(TooLong):
        complaints(_nested(60), DOUBLING, patience=Patience(stop=stop))
    assert len(asked) < 10


@pytest.mark.parametrize(
    ("value", "factor", "verdict"),
    [
        (10**400, 0.5, True),
        (10**400 + 1, 2, False),
        (1e300, 1e-300, False),
        (7.5, 2.5, True),
        (float("inf"), 2, False),
        (float("nan"), 0.5, False),
        (4, 0, False),
        (4, float("inf"), False),
    ],
)
def test_multiples_are_exact_and_never_overflow(value: float, factor: float, verdict: bool) -> None:
    assert is_multiple(value, factor) is verdict


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"type": "any"},
        {"properties": []},
        {"required": True},
        {"items": [{"type": "string"}]},
        {"minimum": "1", "maxLength": None, "multipleOf": "x", "enum": 3, "pattern": 7, "uniqueItems": "yes"},
        {"allOf": {}, "anyOf": 1, "oneOf": "x", "not": None, "if": [], "dependentRequired": {"a": 1}},
        {"$ref": 5},
        {"$ref": "#/nowhere"},
        {"$ref": "other.json"},
        {"$id": "https://x/y", "$ref": "https://x/y#/$defs/a", "$defs": {"a": {"type": "string"}}},
        {"patternProperties": {"(": {}}, "additionalProperties": False, "unevaluatedProperties": False},
        {"contains": {}, "minContains": "a", "maxContains": "b"},
        {"$dynamicRef": "#x", "$defs": {"a": {"$dynamicAnchor": "x"}}},
        {"prefixItems": 3, "items": False, "unevaluatedItems": False},
    ],
)
@pytest.mark.parametrize("value", [{"a": 1}, [1, "x"], "x", 1, None, True])
def test_a_malformed_schema_is_a_complaint_or_judges_nothing(schema: dict[str, Json], value: Json) -> None:
    assert all(isinstance(said, str) for said in complaints(value, schema))


@pytest.mark.parametrize(
    "value", [{"a": [1, None, True, "x'y"], "b": {}}, [], {}, "é\n", 1.5, ["a" * 500], {"k" * 400: 1}]
)
def test_what_is_shown_is_how_python_writes_it(value: Json) -> None:
    assert shown(value) == repr(value)[:300] or len(repr(value)) > 300


@given(st.lists(data, min_size=2, max_size=2))
def test_equal_values_have_one_key(pair: list[Json]) -> None:
    one, two = (key_of(value, Meter(10_000)) for value in pair)
    assert (one == two) == (not complaints(pair[0], {"const": pair[1]}))
    assert (one == two) == Draft202012Validator({"const": pair[1]}).is_valid(pair[0])
