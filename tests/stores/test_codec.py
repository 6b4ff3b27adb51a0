"""Events survive the way into a store and back, whatever they hold."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given

from nano_flow.core.events import CallFinished, Event, RunFinished, StepFinished, StepStarted
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.money import Money
from nano_flow.core.shown.event_json import EVENT_KINDS
from nano_flow.stores.codec import EventRow, decode_event, decode_reply, encode_event, encode_reply
from tests.stores.samples import EVENTS, REPLIES, finished


@given(EVENTS)
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    assert decode_event(encode_event(event)) == event


@given(REPLIES)
def test_replies_come_back_as_they_were(reply: ChatReply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


def test_a_body_is_text_that_any_store_takes() -> None:
    row = encode_event(StepFinished(1.0, "ask", "\0 \ud800 é", 0.1))
    assert row.body.isascii() and row.body.isprintable()


def test_nan_and_infinities_survive() -> None:
    event = decode_event(encode_event(StepFinished(1.0, "ask", [math.nan, math.inf, -math.inf], 0.1)))
    assert isinstance(event, StepFinished) and isinstance(event.output, list)
    assert math.isnan(event.output[0]) and event.output[1:] == [math.inf, -math.inf]  # type: ignore[arg-type]


def test_mappings_that_are_no_dicts_are_stored() -> None:
    event = RunFinished(1.0, "succeeded", None, None, None, None, 0.1, MappingProxyType({"a": 1}))
    assert json.loads(encode_event(event).body)["details"] == {"a": 1}


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}])
def test_what_is_no_json_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(ValueError, match=r'StepFinished at "review\[3\]" holds a value that is not JSON'):
        encode_event(StepFinished(1.0, "review[3]", value, 0.1))  # type: ignore[arg-type]


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="not JSON"):
        encode_event(StepFinished(1.0, "ask", loop, 0.1))  # type: ignore[arg-type]


def test_data_nested_too_deeply_is_damage_not_a_crash() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        decode_event(EventRow("StepFinished", "ask", 1.0, '{"output":' + "[" * 100_000))


def test_fields_of_a_newer_version_are_ignored() -> None:
    row = encode_event(StepStarted(1.0, "ask", "ask", "prompt", 3))
    body = json.loads(row.body) | {"colour": "blue"}
    assert decode_event(row._replace(body=json.dumps(body))) == StepStarted(1.0, "ask", "ask", "prompt", 3)


@pytest.mark.parametrize("kind", [kind for kind in EVENT_KINDS if kind != "CallFinished" and kind != "CacheHit"])
def test_fields_that_an_older_version_did_not_write_are_defaulted(kind: str) -> None:
    event = decode_event(EventRow(kind, "ask", 5.0, "{}"))
    assert type(event).__name__ == kind
    assert event is not None and event.at == 5.0


def test_a_reply_is_never_defaulted() -> None:
    with pytest.raises(ValueError, match="reply"):
        decode_event(EventRow("CallFinished", "ask", 5.0, "{}"))


def test_a_kind_of_a_newer_version_is_skipped() -> None:
    assert decode_event(EventRow("MoonRose", "ask", 1.0, "{}")) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cost": -1}, "cost"),
        ({"cost": float("nan")}, "cost"),
        ({"cost": 0.5}, "cost"),
        ({"cost": True}, "cost"),
        ({"turn": "0"}, "turn"),
        ({"duration_s": "1"}, "duration_s"),
        ({"duration_s": True}, "duration_s"),
        ({"duration_s": float("inf")}, "duration_s"),
        ({"model": 7}, "model"),
        ({"reply": []}, "reply"),
        ({"reply": {"text": "", "finish_reason": "stop", "usage": {"input_tokens": -5}}}, "input_tokens"),
        ({"reply": {"text": "", "finish_reason": "stop", "usage": {"measured": 1}}}, "measured"),
        ({"reply": {"text": "", "finish_reason": "stop", "tool_calls": {}}}, "tool_calls"),
    ],
)
def test_damaged_values_are_named_not_believed(change: dict[str, object], field: str) -> None:
    row = encode_event(finished())
    with pytest.raises(ValueError, match=f'"{field}" of a '):
        decode_event(row._replace(body=json.dumps(json.loads(row.body) | change)))


def test_a_body_that_is_no_mapping_is_damage() -> None:
    with pytest.raises(ValueError, match="not a mapping"):
        decode_event(EventRow("StepFinished", "ask", 1.0, "[]"))


def test_text_that_looks_like_a_marker_stays_data() -> None:
    output = {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"], "__nano_flow_type__": "CallFinished"}
    event = decode_event(encode_event(StepFinished(1.0, "ask", output, 0.1)))  # type: ignore[arg-type]
    assert isinstance(event, StepFinished) and event.output == output


def test_what_is_as_usual_takes_no_space() -> None:
    body = json.loads(encode_event(finished()).body)
    assert "unpriced" not in body and body["reply"]["usage"] == {"input_tokens": 10, "output_tokens": 5}


def test_an_unpriced_call_stays_unknown() -> None:
    event = decode_event(encode_event(finished(cost=None, unpriced="no entry")))
    assert isinstance(event, CallFinished) and event.cost is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cost": Money(-1)}, '"cost" of a CallFinished: expected a whole number from 0 on, not -1'),
        ({"duration_s": math.nan}, '"duration_s" of a CallFinished: expected a finite number'),
        ({"model": None}, '"model" of a CallFinished: expected a text'),
        ({"reply": replace(finished().reply, usage=Usage(input_tokens=-3))}, '"input_tokens" of a Usage'),
        ({"reply": replace(finished().reply, tool_calls=(ToolCall("1", "t", 3),))}, '"arguments" of a ToolCall'),
    ],
)
def test_what_could_not_be_read_again_is_not_written(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        encode_event(replace(finished(), **change))  # type: ignore[arg-type]
