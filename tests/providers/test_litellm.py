"""LiteLLM behind the adapter, against a loopback server: the traps that were measured, each with its test."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest, Message, ToolCall, ToolSpec, Usage
from nano_flow.core.refs import ModelRef
from tests.providers.replay import Reply, ask, provider, serving, sse

TOOLS = (ToolSpec("get", "", {"type": "object", "properties": {"x": {"type": "integer"}}}),)


def request(provider: str = "openai", **fields: object) -> ChatRequest:
    plain = ChatRequest(ModelRef(provider, "m"), (Message("user", "hello"),), timeout_s=10.0)
    return replace(plain, **fields)  # type: ignore[arg-type]


def openai(text: str | None = "hi", finish: str = "stop", calls: Any = None) -> Reply:
    message = {"role": "assistant", "content": text, "tool_calls": calls}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
    return Reply(json.dumps(body).encode())


def chunk(delta: dict[str, Any], finish: str | None = None, usage: Any = None) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}] if usage is None else []
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": choices,
        "usage": usage,
    }


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
HELLO = (chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}))
END = (chunk({}, "stop"), chunk({}, usage=USAGE))
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"x"'}}


def stream(body: bytes, *, cut: bool = False) -> Reply:
    return Reply(body, content_type="text/event-stream", cut=cut)


def run(*replies: Reply, name: str = "openai", heard: list[str] | None = None, **fields: object) -> ChatReply:
    return asyncio.run(ask(name, request(name, **fields), *replies, on_text=None if heard is None else heard.append))


def test_a_reply() -> None:
    reply = run(openai())
    assert (reply.text, reply.finish_reason, reply.usage, reply.model) == ("hi", "stop", Usage(7, 0, 0, 3), "m-1")
    assert not reply.simulated


def test_a_stream() -> None:
    heard: list[str] = []
    reply = run(stream(sse(*HELLO, *END)), heard=heard)
    assert heard == ["Hel", "lo"]
    assert (reply.text, reply.finish_reason, reply.usage) == ("Hello", "stop", Usage(7, 0, 0, 3))


@pytest.mark.parametrize("done", [True, False])
def test_a_stream_that_ends_cleanly_but_early_is_not_done(done: bool) -> None:
    with pytest.raises(errors.ConnectionLost) as caught:
        run(stream(sse(*HELLO, done=done)), heard=[])
    assert caught.value.maybe_billed


def test_a_stream_that_ends_in_the_middle_of_arguments_is_not_done() -> None:
    with pytest.raises(errors.ConnectionLost):
        run(stream(sse(chunk({"role": "assistant", "tool_calls": [CALL]}))), heard=[], tools=TOOLS)


def test_a_stream_cut_in_the_middle_keeps_what_it_reported() -> None:
    with_usage = {**chunk({"content": "lo"}), "usage": USAGE}
    with pytest.raises(errors.ConnectionLost) as caught:
        run(stream(sse(HELLO[0], with_usage, done=False), cut=True), heard=[])
    assert caught.value.maybe_billed
    assert caught.value.usage == Usage(7, 0, 0, 3)


def test_anthropics_early_end_is_not_done() -> None:
    start = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    events = (
        (
            "message_start",
            {"type": "message_start", "message": {**start, "usage": {"input_tokens": 9, "output_tokens": 1}}},
        ),
        (
            "content_block_start",
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ),
        (
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        ),
    )
    heard: list[str] = []
    with pytest.raises(errors.ConnectionLost):
        run(stream(sse(*events, done=False)), name="anthropic", heard=heard)
    assert heard == ["Hel"]


def gemini(text: str, finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    used = {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "totalTokenCount": 14}
    return {"candidates": [candidate], "usageMetadata": used, "modelVersion": "m"}


def test_geminis_early_end_is_not_done_though_litellm_says_stop() -> None:
    whole = run(stream(sse(gemini("Hel"), gemini("lo", "STOP"), done=False)), name="gemini", heard=[])
    assert (whole.text, whole.usage) == ("Hello", Usage(7, 0, 0, 3, 4))
    with pytest.raises(errors.ConnectionLost) as caught:
        run(stream(sse(gemini("Hel"), gemini("lo"), done=False)), name="gemini", heard=[])
    assert caught.value.usage == Usage(7, 0, 0, 3, 4)


def test_a_blocked_prompt_is_a_refusal() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
    }
    assert run(stream(sse(blocked, done=False)), name="gemini", heard=[]).finish_reason == "content_filter"


def test_a_stream_that_is_refused_before_it_begins_is_that_refusal() -> None:
    limited = Reply(b'{"error": {"message": "slow", "code": 429}}', 429, headers={"retry-after": "5"})
    for name in ("openai", "anthropic", "gemini"):
        with pytest.raises(errors.RateLimited) as caught:
            run(limited, name=name, heard=[])
        assert caught.value.retry_after == 5.0


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "ollama_chat", "huggingface"])
@pytest.mark.parametrize("body", [b'{"id": "x", "choi', b"", b"<html>busy</html>", b"[]", b"null"])
def test_a_garbled_reply_is_a_failed_server_that_may_have_billed(name: str, body: bytes) -> None:
    with pytest.raises(errors.ProviderError) as caught:
        run(Reply(body), name=name)
    assert isinstance(caught.value, errors.Retryable)
    assert caught.value.maybe_billed


def test_a_reply_that_breaks_off_may_have_been_billed() -> None:
    with pytest.raises(errors.ConnectionLost) as caught:
        run(Reply(openai().body[:40], cut=True))
    assert caught.value.maybe_billed


def test_a_server_that_is_not_there_has_billed_nothing() -> None:
    async def nobody() -> None:
        made = provider("openai", "http://127.0.0.1:9")
        try:
            await made.complete(request())
        finally:
            await made.close()

    with pytest.raises(errors.ConnectionLost) as caught:
        asyncio.run(nobody())
    assert not caught.value.maybe_billed


def test_a_server_that_is_silent_is_timed_out() -> None:
    async def silent() -> None:
        listener = await asyncio.start_server(lambda reader, writer: reader.read(), "127.0.0.1", 0)
        made = provider("gemini", f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        try:
            await made.complete(request("gemini", timeout_s=0.3), lambda text: None)
        finally:
            listener.close()
            await made.close()

    with pytest.raises(errors.TimedOut, match=r"0\.3 s"):
        asyncio.run(silent())


@pytest.mark.parametrize("name", ["openai", "anthropic", "azure", "gemini", "cohere", "huggingface"])
def test_no_key_reaches_a_message(name: str) -> None:
    leak = f"the key CANARY-key-{name} at https://h/?key=CANARY-key-{name} is wrong, so is sk-CANARY12345"
    body = json.dumps({"error": {"message": leak}, "message": leak}).encode()
    with pytest.raises(errors.ProviderError) as caught:
        run(Reply(body, 400), name=name)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_failed_call_is_not_repeated_by_anybody_below() -> None:
    async def count(status: int) -> int:
        async with serving(Reply(b'{"error": {"message": "no"}}', status)) as server:
            made = provider("openai", server.url)
            with pytest.raises(errors.ProviderError):
                await made.complete(request())
            await made.close()
            return len(server.bodies)

    assert [asyncio.run(count(status)) for status in (429, 500, 503)] == [1, 1, 1]


def test_a_tool_loop_goes_over_the_wire_with_its_ids() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "tracker_find", "arguments": '{"x": 1}'}}]
    tools = (ToolSpec("tracker.find", "", {}),)

    async def loop() -> tuple[ChatReply, ChatReply, dict[str, Any]]:
        async with serving(openai(None, "tool_calls", calls), openai("done")) as server:
            made = provider("openai", server.url)
            first = await made.complete(request(tools=tools))
            talk = (
                Message("user", "hello"),
                Message("assistant", first.text, first.tool_calls),
                Message("tool", "found", tool_call_id=first.tool_calls[0].id),
            )
            second = await made.complete(request(tools=tools, messages=talk))
            await made.close()
            return first, second, json.loads(server.bodies[1])

    first, second, body = asyncio.run(loop())
    assert first.tool_calls == (ToolCall("c1", "tracker.find", '{"x": 1}'),)
    assert second.text == "done"
    assert body["messages"][1]["tool_calls"] == calls
    assert body["messages"][2]["tool_call_id"] == "c1"


def test_coheres_text_is_shown_when_it_is_whole() -> None:
    message = {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]}
    body = {
        "id": "1",
        "finish_reason": "COMPLETE",
        "message": message,
        "usage": {"tokens": {"input_tokens": 7, "output_tokens": 3}},
    }
    heard: list[str] = []
    assert run(Reply(json.dumps(body).encode()), name="cohere", heard=heard).text == "Hello"
    assert heard == ["Hello"]


def test_ollama_is_asked_once_and_not_about_itself() -> None:
    body = {
        "model": "m",
        "created_at": "2025-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "hi"},
        "done": True,
        "done_reason": "length",
        "prompt_eval_count": 7,
        "eval_count": 3,
    }

    async def once() -> tuple[ChatReply, int]:
        async with serving(Reply(json.dumps(body).encode())) as server:
            made = provider("ollama_chat", server.url)
            reply = await made.complete(request("ollama_chat"))
            await asyncio.sleep(0.2)  # LiteLLM looks the model up after its reply, in the background
            await made.close()
            return reply, len(server.bodies)

    reply, asked = asyncio.run(asyncio.wait_for(once(), 30))
    assert (reply.finish_reason, reply.usage, asked) == ("length", Usage(7, 0, 0, 3), 1)


def test_many_calls_leave_no_task_behind() -> None:
    async def many() -> int:
        async with serving(openai()) as server:
            made = provider("openai", server.url)
            await asyncio.gather(*(made.complete(request()) for _ in range(50)))
            await made.close()
            await asyncio.sleep(0.2)
            return len([task for task in asyncio.all_tasks() if "serve" not in repr(task.get_coro())])

    assert asyncio.run(many()) <= 2


def test_litellm_is_not_imported_before_it_is_needed_and_then_stays_at_home() -> None:
    code = """
import sys
import nano_flow.providers.table, nano_flow.providers.sim, nano_flow.gateway.gateway
assert "litellm" not in sys.modules
import os, socket
def no_network(*arguments, **more): raise AssertionError("a connection was opened")
socket.socket.connect = no_network
from nano_flow.providers.litellm import load_litellm
litellm = load_litellm()
assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
assert litellm.telemetry is False and litellm.disable_hf_tokenizer_download is True
assert litellm.callbacks == litellm.success_callback == litellm.failure_callback == []
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
