"""The Responses API: what is sent, and what of text, refusals, reasoning, calls, usage and failures comes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core import errors
from nano_flow.core.messages import Attachment, ChatReply, ChatRequest, Message, ToolCall, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ModelCard
from nano_flow.providers.direct.session import Sessions
from tests.providers.endpoints import endpoint
from tests.providers.replay import STREAMING, Alone, Reply, Server, serving, sse

REF = ModelRef("openai", "responses/m")
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 19,
}
SEALED = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}],
    "encrypted_content": "x",
}
TEXT = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "get",
    "arguments": '{"x":1}',
    "status": "completed",
}
TOOLS = (ToolSpec("get", "Gets.", {"type": "object", "properties": {"x": {"type": "integer"}}}),)


def response(*output: Any, **more: Any) -> dict[str, Any]:
    whole = {"id": "r", "object": "response", "model": "m-1", "status": "completed", "error": None, "usage": USAGE}
    return {**whole, "output": list(output), **more}


def asked(reply: Reply, heard: list[str] | None = None, **fields: Any) -> tuple[ChatReply, Server]:
    plain = ChatRequest(REF, (Message("user", "hello"),), timeout_s=20.0, max_output_tokens=100)

    async def ask() -> tuple[ChatReply, Server]:
        async with serving(reply) as server:
            can = (STREAMING if heard is not None else STREAMING - {"streaming"}) | {"reasoning"}
            card = ModelCard(REF, can=can)
            made = endpoint(
                "openai", "openai", {"base_url": f"{server.url}/v1"}, {"KEY": "CANARY-key"}, {REF.model: card}
            )
            adapter = Alone(replace(made, api="openai"), SystemClock(), Sessions())
            try:
                return await adapter.complete(replace(plain, **fields), heard and heard.append), server
            finally:
                await adapter.close()

    return asyncio.run(ask())


def whole(*output: Any, **more: Any) -> Reply:
    return Reply(json.dumps(response(*output, **more)).encode())


def test_a_call_is_sent_as_items_and_kept_by_nobody() -> None:
    kept = {"provider": "openai", "reasoning_items": [SEALED]}
    messages = (
        Message("system", "Be brief."),
        Message("user", "look", attachments=(Attachment("a.png", "image/png", "AAAA"),)),
        Message("assistant", "", (ToolCall("c1", "get", '{"x":1}'),), provider_data=kept),
        Message("tool", "42", tool_call_id="c1"),
    )
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    params = {"reasoning_effort": "low", "verbosity": "low", "tool_choice": "get", "extra": {"user": "u"}}
    _, server = asked(whole(TEXT), messages=messages, tools=TOOLS, output_schema=schema, params=params)
    assert server.heads[0].startswith("post /v1/responses ") and "authorization: bearer canary-key" in server.heads[0]
    body = json.loads(server.bodies[0])
    assert body["store"] is False and body["include"] == ["reasoning.encrypted_content"] and body["user"] == "u"
    assert (body["model"], body["max_output_tokens"], body["reasoning"]) == ("m", 100, {"effort": "low"})
    assert body["text"]["verbosity"] == "low" and body["text"]["format"]["schema"] == schema
    assert body["tools"][0]["name"] == "get" and body["tool_choice"] == {"type": "function", "name": "get"}
    assert [item["type"] for item in body["input"]] == [
        "message", "message", "reasoning", "function_call", "function_call_output",
    ]  # fmt: skip
    assert body["input"][1]["content"][1] == {
        "type": "input_image",
        "image_url": "data:image/png;base64,AAAA",
        "detail": "auto",
    }
    assert body["input"][2]["encrypted_content"] == "x" and body["input"][4]["output"] == "42"


STREAM = (
    {"type": "response.created", "response": response(status="in_progress")},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "reasoning", "id": "rs_1", "summary": []},
    },
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "hm"},
    {"type": "response.output_item.done", "output_index": 0, "item": SEALED},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "h"},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "i"},
    {"type": "response.output_item.done", "output_index": 1, "item": TEXT},
    {"type": "response.output_item.added", "output_index": 2, "item": {**CALL, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"x"'},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ":1}"},
    {"type": "response.output_item.done", "output_index": 2, "item": CALL},
    {"type": "response.completed", "response": response(SEALED, TEXT, CALL)},
)


@pytest.mark.parametrize("streamed", [True, False])
def test_text_calls_reasoning_and_usage_come_back_alike(streamed: bool) -> None:
    heard: list[str] = [""]
    answer = (
        Reply(sse(*STREAM, done=False), content_type="text/event-stream") if streamed else whole(SEALED, TEXT, CALL)
    )
    reply, _ = asked(answer, heard if streamed else None, tools=TOOLS)
    assert (reply.text, reply.finish_reason, reply.model) == ("hi", "tool_calls", "m-1")
    assert reply.tool_calls == (ToolCall("c1", "get", '{"x":1}'),)
    usage = reply.usage
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.reasoning_tokens) == (6, 4, 4, 5)
    assert reply.provider_data is not None
    (item,) = reply.provider_data["reasoning_items"]  # type: ignore[misc]
    assert item["encrypted_content"] == "x"  # type: ignore[index,call-overload]
    assert "".join(heard) == ("hi" if streamed else "")


@pytest.mark.parametrize(
    ("output", "more", "finish"),
    [
        ([{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}], {}, "content_filter"),
        ([TEXT], {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ([], {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ([TEXT], {"status": None}, "stop"),
    ],
)
def test_how_a_response_ended(output: list[Any], more: dict[str, Any], finish: str) -> None:
    reply, _ = asked(whole(*output, **more))
    assert reply.finish_reason == finish


FAILED = {"status": "failed", "error": {"code": "server_error", "message": "The model broke."}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (whole(**FAILED), errors.ServerFailed),
        (whole(**{**FAILED, "error": {"code": "rate_limit_exceeded", "message": "slow down"}}), errors.RateLimited),
        (whole(TEXT, status="cancelled"), errors.ConnectionLost),
        (whole(output=None), errors.ServerFailed),
        (Reply(b'{"error": {"code": "insufficient_quota", "message": "no funds"}}', 429), errors.QuotaUsed),
        (Reply(b'{"error": {"code": "model_not_found", "message": "gone"}}', 404), errors.ModelUnknown),
    ],
)
def test_a_failure_has_its_class(answer: Reply, error: type[errors.ProviderError]) -> None:
    with pytest.raises(error) as caught:
        asked(answer)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("events", "error"),
    [
        (STREAM[:7], errors.ConnectionLost),
        ((*STREAM[:5], {"type": "error", "code": "server_error", "message": "broke"}), errors.ServerFailed),
        ((*STREAM[:5], {"type": "response.failed", "response": response(**FAILED)}), errors.ServerFailed),
    ],
)
def test_a_stream_that_breaks_is_not_done(events: tuple[Any, ...], error: type[errors.ProviderError]) -> None:
    with pytest.raises(error) as caught:
        asked(Reply(sse(*events, done=False), content_type="text/event-stream"), [""])
    assert caught.value.maybe_billed


def test_what_there_is_no_word_for_is_refused_before_it_is_sent() -> None:
    with pytest.raises(errors.BadRequest, match='takes no "seed" here'):
        asked(whole(TEXT), params={"seed": 1})
