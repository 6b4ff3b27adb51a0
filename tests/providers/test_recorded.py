"""Recorded replies of the real services: usage, tool calls and errors come out as their JSON says.

The recordings are no part of the project: NANO_FLOW_RECORDED names the folder that holds them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from nano_flow.core.errors import BadRequest, ModelUnknown, ProviderError, ServerFailed
from nano_flow.core.messages import ChatReply, ChatRequest, Message, ToolSpec, Usage
from nano_flow.core.refs import ModelRef
from tests.providers.replay import Reply, ask

FOLDER = os.environ.get("NANO_FLOW_RECORDED", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="NANO_FLOW_RECORDED names no folder of recorded replies")
HOSTS = {
    "anthropic.com": "anthropic",
    "amazonaws.com": "bedrock",
    "cohere.com": "cohere",
    "generativelanguage": "gemini",
    "groq.com": "groq",
    "huggingface.co": "huggingface",
    "openai.com": "openai",
}


@dataclass(frozen=True)
class Recorded:
    """One exchange."""

    litellm: str
    model: str
    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def recorded() -> Iterator[tuple[str, Recorded]]:
    for file in sorted(Path(FOLDER).glob("*.yaml")) if FOLDER else ():
        for place, exchange in enumerate(yaml.safe_load(file.read_text())["interactions"]):
            request, response = exchange["request"], exchange["response"]
            litellm = next((name for host, name in HOSTS.items() if host in request["uri"]), None)
            if litellm is None or request["method"] != "POST":
                continue
            body = response.get("parsed_body")
            raw = json.dumps(body).encode() if body is not None else as_bytes(response["body"]["string"])
            kind = {name.lower(): value for name, value in response["headers"].items()}["content-type"][0]
            yield (
                f"{file.stem[5:60]}-{place}",
                Recorded(litellm, model_of(request), response["status"]["code"], kind, raw),
            )


def as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def model_of(request: Mapping[str, Any]) -> str:
    body = request.get("parsed_body") or {}
    if "model" in body:
        return str(body["model"])
    name: str = request["uri"].split("/model/")[-1].split("models/")[-1]
    return name.replace("%3A", ":").split("/")[0].partition(":generate")[0].partition(":stream")[0]


EXCHANGES = dict(recorded())


def reply_to(exchange: Recorded) -> ChatReply:
    streamed = "stream" in exchange.content_type
    request = ChatRequest(
        ModelRef(exchange.litellm, exchange.model),
        (Message("user", "What is the largest city?"),),
        tools=() if streamed else (ToolSpec("get_user_country", "", {"type": "object", "properties": {}}),),
        timeout_s=30.0,
    )
    answer = Reply(exchange.body, exchange.status, exchange.content_type)
    pieces: list[str] = []
    return asyncio.run(ask(exchange.litellm, request, answer, on_text=pieces.append if streamed else None))


def expected_usage(exchange: Recorded) -> Usage:
    """The same, read by hand from the provider's own names."""
    found = exchange.json.get("usage") or exchange.json.get("usageMetadata") or {}
    if exchange.litellm == "anthropic":
        return Usage(
            found["input_tokens"],
            found["cache_read_input_tokens"],
            found["cache_creation_input_tokens"],
            found["output_tokens"],
        )
    if exchange.litellm == "bedrock":
        return Usage(found["inputTokens"], 0, 0, found["outputTokens"])
    if exchange.litellm == "cohere":
        return Usage(found["billed_units"]["input_tokens"], 0, 0, found["billed_units"]["output_tokens"])
    if exchange.litellm == "gemini":
        thoughts = found.get("thoughtsTokenCount", 0)
        return Usage(found["promptTokenCount"], 0, 0, found.get("candidatesTokenCount", 0), thoughts)
    details, written = found.get("prompt_tokens_details") or {}, found.get("completion_tokens_details") or {}
    cached = details.get("cached_tokens") or found.get("cached_tokens", 0)
    stored, reasoned = details.get("cache_write_tokens", 0), written.get("reasoning_tokens", 0)
    return Usage(
        found["prompt_tokens"] - cached - stored, cached, stored, found["completion_tokens"] - reasoned, reasoned
    )


def expected_calls(exchange: Recorded) -> list[tuple[str, Any]]:
    found = exchange.json
    if exchange.litellm == "anthropic":
        return [(part["name"], part["input"]) for part in found["content"] if part["type"] == "tool_use"]
    if exchange.litellm == "bedrock":
        parts = found["output"]["message"]["content"]
        return [(part["toolUse"]["name"], part["toolUse"]["input"]) for part in parts if "toolUse" in part]
    if exchange.litellm == "gemini":
        parts = found["candidates"][0]["content"].get("parts", [])
        return [
            (part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part
        ]
    if exchange.litellm == "cohere":
        return []
    calls = found["choices"][0]["message"].get("tool_calls") or []
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


WHOLE = [name for name, e in EXCHANGES.items() if e.status == 200 and "json" in e.content_type]
FAILED = [name for name, e in EXCHANGES.items() if e.status != 200]
STREAMED = [name for name, e in EXCHANGES.items() if "stream" in e.content_type]


@pytest.mark.parametrize("name", WHOLE)
def test_usage_and_calls_are_those_of_the_reply(name: str) -> None:
    exchange = EXCHANGES[name]
    reply = reply_to(exchange)
    usage = reply.usage
    wanted = expected_usage(exchange)
    assert usage.measured
    seen = (usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens)
    assert seen == (wanted.input_tokens, wanted.cached_input_tokens, wanted.cache_write_tokens, 0)
    spoken = usage.output_tokens + usage.reasoning_tokens
    assert spoken == wanted.output_tokens + wanted.reasoning_tokens
    if exchange.litellm not in ("anthropic", "bedrock"):  # they do not say which tokens were thought
        assert usage.reasoning_tokens == wanted.reasoning_tokens
    assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == expected_calls(exchange)
    assert len({call.id for call in reply.tool_calls}) == len(reply.tool_calls)
    assert reply.text or reply.tool_calls or reply.finish_reason == "length"


@pytest.mark.parametrize("name", STREAMED)
def test_streams_are_read_to_their_end(name: str) -> None:
    reply = reply_to(EXCHANGES[name])
    assert reply.finish_reason == "stop"
    assert reply.text
    assert reply.usage.measured
    assert reply.usage.input_tokens > 0


@pytest.mark.parametrize("name", FAILED)
def test_errors_are_typed(name: str) -> None:
    exchange = EXCHANGES[name]
    with pytest.raises(ProviderError) as caught:
        reply_to(exchange)
    wanted = ModelUnknown if b"identifier" in exchange.body else ServerFailed
    assert isinstance(caught.value, wanted)
    assert not isinstance(caught.value, BadRequest)
