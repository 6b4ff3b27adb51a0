"""Messages in OpenAI's older form as items of the Responses API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.providers.wire.plain import sequence

Item = dict[str, Json]
REASONING = "reasoning_items"
"""Under which name sealed reasoning is kept for the next turn."""


def converted(messages: object) -> list[Json]:
    """The conversation as items."""
    return [item for message in sequence(messages) if isinstance(message, dict) for item in _items(message)]


def _items(message: Mapping[str, Json]) -> Iterator[Item]:
    role = str(message.get("role"))
    if role == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message.get("tool_call_id"),
            "output": message.get("content"),
        }
        return
    if role == "assistant":
        yield from (dict(item) for item in sequence(message.get(REASONING)) if isinstance(item, dict))
    if message.get("content"):
        yield {"type": "message", "role": role, "content": _content(role, message["content"])}
    for call in sequence(message.get("tool_calls")):
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(call, dict) and isinstance(function, dict):
            named = {"name": function.get("name"), "arguments": function.get("arguments")}
            yield {"type": "function_call", "call_id": call.get("id"), **named}


def _content(role: str, content: Json) -> Json:
    kind = "output_text" if role == "assistant" else "input_text"
    if isinstance(content, str):
        return [{"type": kind, "text": content}]
    return [_part(part, kind) for part in sequence(content) if isinstance(part, dict)]


def _part(part: Mapping[str, Json], kind: str) -> Json:
    image = part.get("image_url")
    if isinstance(image, dict):
        return {"type": "input_image", "image_url": image.get("url"), "detail": "auto"}
    return {"type": kind, "text": part.get("text")}
