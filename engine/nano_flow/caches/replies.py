"""A reply as JSON text and back; what is not a whole reply is not read as one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import get_args

from nano_flow.core.messages import ChatReply, FinishReason, Json, ToolCall, Usage

_WHOLE = frozenset({"stop", "tool_calls"})
_TEXTS = ("text", "model", "finish_reason")
_COUNTS = tuple(field.name for field in fields(Usage) if field.name not in ("measured", "reported"))


def is_whole(reply: ChatReply) -> bool:
    """Whether ``reply`` is one that may be used again: not cut, refused, empty or stopped at its cap."""
    return reply.finish_reason in _WHOLE and bool(reply.text.strip() or reply.tool_calls)


def encode_reply(reply: ChatReply) -> str:
    """JSON text. Raises TypeError, ValueError where a provider's data is not JSON."""
    return json.dumps(asdict(reply), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def decode_reply(text: str) -> ChatReply:
    """The reply that ``encode_reply`` wrote. Raises ValueError for anything else."""
    data = json.loads(text)
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in _TEXTS):
        raise ValueError("not a reply")
    provider_data = data.get("provider_data")
    reply = ChatReply(
        text=data["text"],
        finish_reason=_reason(data["finish_reason"]),
        usage=_usage(data.get("usage")),
        tool_calls=tuple(_call(call) for call in _list(data.get("tool_calls"))),
        model=data["model"],
        simulated=data.get("simulated") is True,
        provider_data=provider_data if isinstance(provider_data, dict) else None,
    )
    if not is_whole(reply):
        raise ValueError("not a whole reply")
    return reply


def _reason(text: str) -> FinishReason:
    for reason in get_args(FinishReason):
        if text == reason:
            found: FinishReason = reason
            return found
    raise ValueError(f'"{text}" is no finish reason')


def _usage(value: object) -> Usage:
    data: Mapping[str, Json] = value if isinstance(value, dict) else {}
    counts = {name: data.get(name, 0) for name in _COUNTS}
    if not all(type(count) is int and count >= 0 for count in counts.values()):
        raise ValueError("a count of tokens is not a whole number")
    return Usage(**counts, measured=data.get("measured") is not False)  # type: ignore[arg-type]


def _call(value: object) -> ToolCall:
    if isinstance(value, dict):
        parts = [value.get(name) for name in ("id", "name", "arguments")]
        if all(isinstance(part, str) for part in parts):
            return ToolCall(*map(str, parts))
    raise ValueError("not a tool call")


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("not a list of tool calls")
    return value
