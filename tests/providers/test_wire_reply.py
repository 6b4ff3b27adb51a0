"""What comes back: usage with each token once, calls verbatim, and replies that are not whole."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from nano_flow.core.errors import ConnectionLost, ServerFailed
from nano_flow.core.messages import ChatReply, ChatRequest, Message, ToolSpec, Usage
from nano_flow.core.refs import ModelRef
from nano_flow.providers.prompt_tools import read_calls, schema_note, tools_note
from nano_flow.providers.wire.arguments import Prepared
from nano_flow.providers.wire.names import ToolNames
from nano_flow.providers.wire.plain import without_thinking
from nano_flow.providers.wire.reply import Raw, finished, read_usage, whole
from nano_flow.providers.wire.stream import Collector

REQUEST = ChatRequest(ModelRef("p", "m"), (Message("user", "hello"),), max_output_tokens=100)


def prepared(litellm: str = "openai", *names: str, by_prompt: bool = False) -> Prepared:
    return Prepared(litellm, {}, ToolNames.of(names), by_prompt)


def response(
    text: str | None = "hi", finish: str | None = "stop", usage: Any = None, calls: Any = ()
) -> dict[str, Any]:
    message = {"content": text, "tool_calls": list(calls)}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage, "model": "m-1"}


def call(name: str = "get", arguments: object = "{}", call_id: object = "id-1") -> dict[str, Any]:
    return {"id": call_id, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4}, Usage(10, 0, 0, 4)),
        (
            {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 60}},
            Usage(40, 60, 0, 9),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 30, "cache_creation_tokens": 50},
            },
            Usage(20, 30, 50, 9),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 9,
                "prompt_tokens_details": {
                    "cache_creation_tokens": 50,
                    "cache_creation_token_details": {"ephemeral_1h_input_tokens": 20},
                },
            },
            Usage(50, 0, 30, 9, cache_write_1h_tokens=20),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 90, "completion_tokens_details": {"reasoning_tokens": 64}},
            Usage(5, 0, 0, 26, 64),
        ),
        (
            {
                "prompt_tokens": 50,
                "completion_tokens": 20,
                "prompt_tokens_details": {"audio_tokens": 30},
                "completion_tokens_details": {"audio_tokens": 15},
            },
            Usage(20, 0, 0, 5, audio_input_tokens=30, audio_output_tokens=15),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "cached_tokens": 4}, Usage(5, 4, 0, 1)),
        (
            {"prompt_tokens": 4, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}},
            None,
        ),
        ({"prompt_tokens": None, "completion_tokens": -3}, None),
        (None, None),
        ("many", None),
    ],
)
def test_usage(usage: object, wanted: Usage | None) -> None:
    assert read_usage(usage) == wanted


def test_unreported_usage_is_estimated_and_says_so() -> None:
    reply = finished(whole(response("some words")), REQUEST, prepared(), "p")
    assert not reply.usage.measured
    assert reply.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("litellm", "finish", "calls", "tokens", "wanted"),
    [
        ("openai", "stop", (), 5, "stop"),
        ("openai", "length", (), 100, "length"),
        ("openai", "content_filter", (), 5, "content_filter"),
        ("anthropic", "refusal", (), 5, "content_filter"),
        ("cohere", "stop", (call(),), 5, "tool_calls"),
        ("cohere", "stop", (), 100, "length"),
        ("ollama_chat", "stop", (), 100, "length"),
        ("openai", "stop", (), 100, "stop"),
        ("openai", "tool_calls", (), 5, "stop"),
        ("openai", "something new", (), 5, "stop"),
    ],
)
def test_how_a_reply_ended(litellm: str, finish: str, calls: Any, tokens: int, wanted: str) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": tokens}
    reply = finished(whole(response("x", finish, usage, calls)), REQUEST, prepared(litellm), "p")
    assert reply.finish_reason == wanted


@pytest.mark.parametrize("finish", [None, "malformed_function_call"])
def test_a_reply_whose_end_was_not_announced_is_cut(finish: str | None) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    with pytest.raises(ConnectionLost) as caught:
        finished(whole(response("x", finish, usage)), REQUEST, prepared(), "p")
    assert caught.value.maybe_billed
    assert caught.value.usage == Usage(3, 0, 0, 2)


def test_calls_keep_their_ids_and_get_our_names_back() -> None:
    calls = [
        call("tracker_search", '{"q": 1}', "call_1__thought__" + "A" * 1400),
        call("x", None, None),
        {"function": None},
    ]
    reply = finished(
        whole(response(None, "tool_calls", None, calls)), REQUEST, prepared("gemini", "tracker.search"), "p"
    )
    assert [(c.name, c.arguments) for c in reply.tool_calls] == [("tracker.search", '{"q": 1}'), ("x", "{}")]
    assert reply.tool_calls[0].id.endswith("A" * 1400)
    assert reply.tool_calls[1].id


@pytest.mark.parametrize("garbled", [{}, {"choices": []}, None, "text", {"choices": "no"}])
def test_a_reply_without_a_choice_is_unreadable(garbled: object) -> None:
    with pytest.raises(ServerFailed) as caught:
        whole(garbled)
    assert caught.value.maybe_billed


def test_a_refusal_is_one_and_a_full_window_is_a_length_limit() -> None:
    refused = {"content": None, "provider_specific_fields": {"refusal": "I cannot."}}
    reply = finished(whole({"choices": [{"message": refused, "finish_reason": "stop"}]}), REQUEST, prepared(), "p")
    assert (reply.text, reply.finish_reason) == ("I cannot.", "content_filter")
    full = Prepared("anthropic", {}, ToolNames.of([]), window=100)
    usage = {"prompt_tokens": 95, "completion_tokens": 5}
    assert finished(whole(response("x", "stop", usage)), REQUEST, full, "p").finish_reason == "length"
    collector = Collector(None)
    collector.take(SimpleNamespace(choices=[SimpleNamespace(delta=Delta(refusal="No."), finish_reason="stop")]))
    assert (collector.raw("stop").text, collector.raw("stop").finish) == ("No.", "refusal")


def test_thinking_is_kept_with_the_calls_it_led_to() -> None:
    raw = Raw("", (), "stop", None, "m", {"thinking_blocks": [1]})
    assert finished(raw, REQUEST, prepared("anthropic"), "p").provider_data is None
    message = {
        "content": "",
        "tool_calls": [call()],
        "thinking_blocks": [SimpleNamespace(model_dump=lambda: {"a": (1,)})],
    }
    reply = finished(
        whole({"choices": [{"message": message, "finish_reason": "tool_calls"}]}), REQUEST, prepared("anthropic"), "p"
    )
    assert reply.provider_data == {"provider": "p", "thinking_blocks": [{"a": [1]}]}


@dataclass
class Delta:
    content: str | None = None
    tool_calls: list[Any] | None = None
    thinking_blocks: list[Any] | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


@dataclass
class Chunk:
    delta: Delta
    finish_reason: str | None = None
    model: str = "m-1"
    choices: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.choices = [SimpleNamespace(delta=self.delta, finish_reason=self.finish_reason)]


def test_pieces_become_one_reply() -> None:
    heard: list[str] = []
    collector = Collector(heard.append)
    assert not collector.begun
    for chunk in (
        Chunk(Delta("Hel")),
        Chunk(Delta("lo", reasoning_content="hm")),
        Chunk(Delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "get", "arguments": '{"x"'}}])),
        Chunk(Delta(tool_calls=[{"index": 1, "id": "b", "function": {"name": "put", "arguments": ""}}])),
        Chunk(Delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}])),
        Chunk(Delta(thinking_blocks=[{"type": "thinking", "thinking": "so "}])),
        Chunk(Delta(thinking_blocks=[{"type": "thinking", "thinking": "then", "signature": "S"}])),
        Chunk(Delta(thinking_blocks=[{"type": "redacted_thinking", "data": "D"}, {}])),
        SimpleNamespace(choices=[]),
        Chunk(Delta(), "tool_calls"),
    ):
        collector.take(chunk)
    raw = collector.raw("tool_calls")
    assert heard == ["Hel", "lo"]
    assert collector.begun
    assert (raw.text, raw.finish, raw.model) == ("Hello", "tool_calls", "m-1")
    assert [(c.id, c.name, c.arguments) for c in raw.calls] == [("a", "get", '{"x": 1}'), ("b", "put", "{}")]
    assert raw.kept["thinking_blocks"] == [
        {"type": "thinking", "thinking": "so then", "signature": "S"},
        {"type": "redacted_thinking", "data": "D"},
    ]


def test_a_stream_that_never_said_how_it_ended_is_cut() -> None:
    collector = Collector(None)
    collector.take(Chunk(Delta("half"), "stop"))
    assert collector.raw(None).finish is None


def test_tools_by_prompt_are_read_from_the_text() -> None:
    text = (
        'I look.\n<tool_call>{"name": "get", "arguments": {"x": 1}}</tool_call><tool_call>{"name": "put"}</tool_call>'
    )
    reply = finished(whole(response(text)), REQUEST, prepared("openai", by_prompt=True), "p")
    assert (reply.text, reply.finish_reason) == ("I look.", "tool_calls")
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [("get", {"x": 1}), ("put", {})]
    assert len({c.id for c in reply.tool_calls}) == 2


@pytest.mark.parametrize("text", ["plain", "<tool_call>no json</tool_call>", '<tool_call>["x"]</tool_call>'])
def test_what_cannot_be_read_as_a_call_stays_text(text: str) -> None:
    reply = ChatReply(text, "stop", Usage())
    assert read_calls(reply, 0) == reply


def test_notes_say_what_is_wanted() -> None:
    tools = (ToolSpec("get", "Gets.", {"type": "object"}),)
    assert '"get"' in tools_note(tools)
    assert "at least one" in tools_note(tools, "required")
    assert 'must call "get"' in tools_note(tools, "get")
    assert "must call" not in tools_note(tools, "auto")
    assert '{"type": "object"}' in schema_note({"type": "object"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>\nAll are down.\n</think>\n\nhigh", "high"),
        ("\n <think>a</think>b <think>c</think>", "b <think>c</think>"),
        ("<think>never ended", "<think>never ended"),
        ("<thin air", "<thin air"),
        ("plain </think> text", "plain </think> text"),
        ("  spaced", "  spaced"),
        ("", ""),
    ],
)
def test_what_a_model_thinks_aloud_is_neither_shown_nor_kept(text: str, shown: str) -> None:
    for size in (1, 3, 7, 100):
        heard: list[str] = []
        collector = Collector(heard.append)
        for start in range(0, len(text), size):
            collector.write(text[start : start + size])
        raw = collector.raw("stop")
        assert "".join(heard) == shown == without_thinking(raw.text)


def test_a_lone_closing_tag_ends_a_thought() -> None:
    assert without_thinking("All are down.\n</think>\n\nhigh") == "high"


@pytest.mark.parametrize(
    ("cost", "reported"),
    [
        (0.0012, 1_200_000),
        ({"total_cost": 0.5, "input_tokens_cost": 0.2}, 500_000_000),
        (0, 0),
        (-1, None),
        (float("nan"), None),
        (True, None),
        ("0.1", None),
        (1e9, None),
        (None, None),
    ],
)
def test_what_a_server_says_that_a_call_cost_is_kept_as_an_amount(cost: object, reported: int | None) -> None:
    usage = read_usage({"prompt_tokens": 7, "completion_tokens": 3, "cost": cost})
    assert usage is not None and usage.reported == reported
