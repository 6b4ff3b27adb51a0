"""Good replies in the providers' forms, and what is done to them; an adapter asked over a loopback server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest, Message, ToolSpec
from nano_flow.core.refs import ModelRef
from tests.providers.replay import Reply, ask, sse

TOOLS = (ToolSpec("get", "", {"type": "object", "properties": {"x": {"type": "integer"}}}),)
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
REPLIES: dict[str, dict[str, Any]] = {
    "openai": {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": USAGE,
    },
    "anthropic": {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    },
    "gemini": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10},
    },
    "ollama_chat": {
        "model": "m",
        "created_at": "2025-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "hi"},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 7,
        "eval_count": 3,
    },
    "cohere": {
        "id": "1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "hi"}]},
        "usage": {"tokens": {"input_tokens": 7, "output_tokens": 3}},
    },
}
"""One good reply in each form."""
GOOD = json.dumps(REPLIES["openai"]).encode()


def message(finish: str | None = "stop", **fields: Any) -> bytes:
    """OpenAI's reply with another message."""
    said = {"role": "assistant", "content": "hi", **fields}
    return json.dumps({**REPLIES["openai"], "choices": [{"message": said, "finish_reason": finish}]}).encode()


def calls(*calls: Any) -> bytes:
    return message("tool_calls", content=None, tool_calls=list(calls))


def call(call_id: Any = "c1", name: Any = "get", arguments: Any = '{"x":1}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def with_usage(**usage: Any) -> bytes:
    return json.dumps({**REPLIES["openai"], "usage": {**USAGE, **usage}}).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": choices, **more}


HELLO = (chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}))
END = (chunk({}, "stop"), chunk({}, choices=[], usage=USAGE))
STREAM = sse(*HELLO, *END)


def events(body: bytes) -> Reply:
    return Reply(body, content_type="text/event-stream")


def run(reply: Reply, name: str = "openai", heard: list[str] | None = None, **fields: object) -> ChatReply:
    plain = ChatRequest(ModelRef(name, "m"), (Message("user", "hello"),), timeout_s=20.0, max_output_tokens=100)
    request = replace(plain, **fields)  # type: ignore[arg-type]
    return asyncio.run(ask(name, request, reply, on_text=None if heard is None else heard.append))


def failure(reply: Reply, name: str = "openai", heard: list[str] | None = None, **fields: object) -> Any:
    with pytest.raises(errors.ProviderError) as caught:
        run(reply, name, heard, **fields)
    text = str(caught.value)
    assert "CANARY" not in text and "Traceback" not in text and "\n" not in text
    return caught.value
