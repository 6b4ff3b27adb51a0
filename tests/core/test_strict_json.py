"""JSON that comes in: numbers that a double holds, a bearable depth, nothing that JSON does not know."""

from __future__ import annotations

import pytest

from nano_flow.core.messages import Json
from nano_flow.core.strict_json import MAX_DEPTH, strict_json, within_depth


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-0.5e3", -500.0),
        ('{"a": [true, null, "x"]}', {"a": [True, None, "x"]}),
        ("1" + "0" * 308, 10**308),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ('"' + "[" * 500 + '"', "[" * 500),
        ("[" + "{}, " * 500 + "{}]", [{}] * 501),
    ],
)
def test_what_is_read(text: str, value: Json) -> None:
    read = strict_json(text)
    assert within_depth(read)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1" + "0" * 309, "310 digits is out of range"),
        ("-2" + "0" * 308, "309 digits is out of range"),
        ("[" + "9" * 5_000 + "]", "5000 digits is out of range"),
        ("1e309", "1e309 is out of range"),
        ('{"a": -1e999}', "-1e999 is out of range"),
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "nested too deeply: more than 100 levels"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("", "Expecting value"),
        ("{1: 2}", "Expecting property name"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        strict_json(text)
