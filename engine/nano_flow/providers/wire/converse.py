"""A reply of Bedrock's Converse in one piece, where LiteLLM had asked for a stream and does not read it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nano_flow.core.messages import Json, ToolCall
from nano_flow.providers.transport.exchange import unreadable
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw


def whole_converse(reply: Mapping[str, Json]) -> Raw:
    """Its parts. ServerFailed where it is of another form."""
    message, reason = read(reply.get("output"), "message"), reply.get("stopReason")
    if message is None or not isinstance(reason, str):
        raise unreadable("the reply holds no message")
    texts: list[str] = []
    thinking: list[Json] = []
    calls: list[ToolCall] = []
    for block in sequence(read(message, "content")):
        text, tool = read(block, "text"), read(block, "toolUse")
        thought = read(read(block, "reasoningContent"), "reasoningText")
        if isinstance(text, str):
            texts.append(text)
        elif isinstance(tool, dict):
            arguments = json.dumps(tool.get("input") or {}, ensure_ascii=False)
            calls.append(ToolCall(str(tool.get("toolUseId") or ""), str(tool.get("name") or ""), arguments))
        elif isinstance(thought, dict):
            thinking.append(
                {"type": "thinking", "thinking": thought.get("text"), "signature": thought.get("signature")}
            )
    kept: dict[str, Json] = {"thinking_blocks": thinking} if thinking else {}
    return Raw("".join(texts), tuple(calls), reason, _usage(reply.get("usage")), "", kept)


def _usage(usage: object) -> Mapping[str, object]:
    """Under OpenAI's names; what came from a cache, and went there, is beside the input."""
    cached, written = read(usage, "cacheReadInputTokens") or 0, read(usage, "cacheWriteInputTokens") or 0
    counts = (read(usage, "inputTokens"), cached, written)
    prompt: object = sum(count for count in counts if isinstance(count, int))
    return {
        "prompt_tokens": prompt if all(isinstance(count, int) for count in counts) else "no count",
        "completion_tokens": read(usage, "outputTokens"),
        "prompt_tokens_details": {"cached_tokens": cached, "cache_creation_tokens": written},
    }
