"""A value is read out of whatever stands around it, without asking again; what is none is said as before."""

from __future__ import annotations

import pytest

from nano_flow.core.messages import Json
from nano_flow.steps.output import OutputBroken, read_output

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"urgency": {"enum": ["low", "high"]}},
    "required": ["urgency"],
}


@pytest.mark.parametrize(
    "text",
    [
        '{"urgency": "high"}',
        '```json\n{"urgency": "high"}\n```',
        '```\n{"urgency": "high"}```',
        'Here it is:\n\n```json\n{"urgency": "high"}\n```\n',
        '```json\n{"urgency": "high"}\n```\nI chose high, for all are down.',
        '```json\n{"urgency": "high"}',
        'The result is {"urgency": "high"}, I think.',
        'See [1] and {"other": 1}: {"urgency": "high"}',
        '```json\n{"urgency": "no"}\n```\nNo, rather:\n```json\n{"urgency": "high"}\n```',
        'Use {curly} braces: {"urgency": "high"}',
    ],
)
def test_a_value_among_words(text: str) -> None:
    assert read_output(text, SCHEMA) == {"urgency": "high"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("All are down.", "not valid JSON"),
        ('{"urgency": "high"', "not valid JSON"),
        ('It is {"urgency": "none"}.', "urgency"),
        ("[" * 5000, "not valid JSON"),
        ("```\n" * 5000, "not valid JSON"),
    ],
)
def test_what_is_none_is_said(text: str, said: str) -> None:
    with pytest.raises(OutputBroken, match=said):
        read_output(text, SCHEMA)


def test_a_text_that_is_asked_for_may_hold_anything() -> None:
    assert read_output('"{\\"a\\": 1}"', {"type": "string"}) == '{"a": 1}'
