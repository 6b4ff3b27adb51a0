"""Streams that misbehave: odd ones are read, broken ones are told, and what they reported is kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import Usage
from tests.providers import replay
from tests.providers.odd import (
    END,
    HELLO,
    STREAM,
    TOOLS,
    chunk,
    events,
    failure,
    run,
)
from tests.providers.replay import Reply, sse


@pytest.mark.parametrize(
    "body",
    [
        STREAM.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + STREAM,
        STREAM.replace(b"\n\n", b"\n\n: keep-alive\n\n"),
        STREAM.replace(b"data: {", b"event: message\nid: 1\ndata:{"),
        STREAM.removesuffix(b"data: [DONE]\n\n"),
        STREAM + sse(chunk({"content": "more"})),
        sse(
            HELLO[0],
            {**chunk({"content": "other"}), "choices": [{"index": 1, "delta": {"content": "other"}}]},
            HELLO[1],
            *END,
        ),
    ],
)
def test_streams_that_are_only_odd(body: bytes) -> None:
    heard: list[str] = []
    reply = run(events(body), heard=heard)
    assert (reply.text, reply.usage, "".join(heard)) == ("Hello", Usage(7, 0, 0, 3), "Hello")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (sse(HELLO[0], done=False) + b"data: {oops\n\n", "the stream broke: a piece of it is not valid JSON"),
        (sse(HELLO[0], done=False) + b'data: {"a": "\xff"}\n\n', "the stream broke: a piece of it is not valid UTF-8"),
        (sse(*HELLO, chunk({}, "abort"), END[1]), "its provider says 'abort'|finish_reason=abort"),
    ],
)
def test_streams_that_break(body: bytes, said: str) -> None:
    error = failure(events(body), heard=[])
    assert isinstance(error, errors.ConnectionLost) and error.maybe_billed
    assert pytest.raises(AssertionError, match=said).matches(AssertionError(str(error)))


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"message": "key CANARY-key-openai", "code": 500}, errors.ServerFailed),
        ({"message": "slow down", "code": 429}, errors.RateLimited),
        ({"message": "Overloaded", "type": "overloaded_error"}, errors.Overloaded),
    ],
)
def test_an_error_in_the_middle_of_a_stream_has_its_own_class(
    told: dict[str, object], wanted: type[errors.ProviderError]
) -> None:
    error = failure(events(sse(HELLO[0], {"error": told})), heard=[])
    assert type(error) is wanted and error.maybe_billed
    assert str(error).startswith("the stream broke: ") and "CANARY" not in str(error)


def test_a_cut_stream_counts_what_was_written_where_less_was_reported() -> None:
    early = {**HELLO[0], "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}}
    error = failure(replace(events(sse(early, chunk({"content": "word " * 40}), done=False)), cut=True), heard=[])
    assert "in the middle of the reply" in str(error)
    assert error.usage.input_tokens == 7 and error.usage.output_tokens > 40


def test_a_refusal_that_litellm_drops_from_a_stream() -> None:
    body = sse(chunk({"refusal": "I can"}), chunk({"refusal": "not"}), *END)
    assert run(events(body), heard=[]).finish_reason == "content_filter"


def test_claudes_streams_end_by_claudes_word() -> None:
    start = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}

    def stream(reason: str | None) -> Reply:
        stop = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}}
        begin = {"type": "message_start", "message": {**start, "usage": {"input_tokens": 7, "output_tokens": 1}}}
        return events(sse(*((e["type"], e) for e in (begin, block, text, stop, {"type": "message_stop"})), done=False))

    assert run(stream("end_turn"), "anthropic", []).usage == Usage(7, 0, 0, 3)
    for reason in ("pause_turn", None):
        assert isinstance(failure(stream(reason), "anthropic", []), errors.ConnectionLost)


@pytest.mark.parametrize(
    "deltas",
    [
        [[(1, "b", "get", '{"x":2}')], [(0, "a", "get", '{"x":1}')]],
        [[(0, "a", "get", '{"x"')], [(1, "b", "get", '{"x":')], [(0, None, None, ":1}")], [(1, None, None, "2}")]],
        [[(0, "a", "get", '{"x":1}')], [(0, "b", "get", '{"x":2}')]],
        [[(0, "a", "get", '{"x"')], [(0, "a", "get", ":1}")], [(9, "b", "get", '{"x":2}')]],
    ],
)
def test_pieces_of_calls_in_any_order(deltas: list[list[tuple[int, str | None, str | None, str]]]) -> None:
    pieces = [
        chunk({"tool_calls": [{"index": i, **({"id": n} if n else {}), "function": {"name": f, "arguments": a}}]})
        for ((i, n, f, a),) in deltas
    ]
    reply = run(events(sse(*pieces, chunk({}, "tool_calls"), END[1])), heard=[], tools=TOOLS)
    assert [(c.id, c.arguments) for c in reply.tool_calls] == [("a", '{"x":1}'), ("b", '{"x":2}')]


def test_bedrock_that_answers_in_one_piece_to_a_stream_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "WAY", "litellm")
    thought = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    tool = {"toolUse": {"toolUseId": "t1", "name": "get", "input": {"x": 1}}}
    usage = {"inputTokens": 21, "cacheReadInputTokens": 4, "outputTokens": 160, "totalTokens": 185}
    body = {"output": {"message": {"role": "assistant", "content": [thought, {"text": "hi"}, tool]}}, "usage": usage}
    answer = Reply(json.dumps({**body, "stopReason": "tool_use"}).encode())
    heard: list[str] = []
    reply = run(answer, "bedrock", heard, tools=TOOLS)
    assert (reply.text, "".join(heard), reply.finish_reason) == ("hi", "hi", "tool_calls")
    assert [(call.id, call.name, json.loads(call.arguments)) for call in reply.tool_calls] == [("t1", "get", {"x": 1})]
    assert (reply.usage.input_tokens, reply.usage.cached_input_tokens, reply.usage.output_tokens) == (21, 4, 160)
    assert reply.usage.measured
