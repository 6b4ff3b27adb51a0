"""Messages in OpenAI's form as Anthropic takes them: the system prompt apart, results of tools as a user's."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.providers.wire.plain import sequence

Block = dict[str, Json]
_NO_TEXT: Block = {"type": "text", "text": "(no text)"}


def converted(messages: object) -> tuple[list[Block], list[Json]]:
    """The system prompt and the conversation, which begins with the user and alternates."""
    system: list[Block] = []
    talk: list[tuple[str, list[Block]]] = []
    for message in sequence(messages):
        if not isinstance(message, dict):
            continue
        role = str(message.get("role"))
        if role == "system":
            system += _texts(message)
            continue
        side = "assistant" if role == "assistant" else "user"
        blocks = _blocks(role, message)
        if talk and talk[-1][0] == side:
            talk[-1][1].extend(blocks)
        else:
            talk.append((side, blocks))
    if not talk or talk[0][0] != "user":
        talk.insert(0, ("user", [dict(_NO_TEXT)]))
    return system, [{"role": side, "content": [*blocks]} for side, blocks in talk]


def _blocks(role: str, message: Mapping[str, Json]) -> list[Block]:
    if role == "tool":
        return [_result(message)]
    if role == "assistant":
        return _said(message)
    return _texts(message)


def _texts(message: Mapping[str, Json]) -> list[Block]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_part(part) for part in sequence(content) if isinstance(part, dict)]


def _part(part: Mapping[str, Json]) -> Block:
    image = part.get("image_url")
    if not isinstance(image, dict):
        return dict(part)
    head, _, data = str(image.get("url")).partition(";base64,")
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": head.removeprefix("data:"), "data": data},
    }


def _result(message: Mapping[str, Json]) -> Block:
    block: Block = {
        "type": "tool_result",
        "tool_use_id": message.get("tool_call_id"),
        "content": message.get("content"),
    }
    if "cache_control" in message:
        block["cache_control"] = message["cache_control"]
    return block


def _said(message: Mapping[str, Json]) -> list[Block]:
    """Thinking goes before the text, and the calls that it led to behind it."""
    blocks = [dict(block) for block in sequence(message.get("thinking_blocks")) if isinstance(block, dict)]
    if message.get("content"):
        blocks += _texts(message)
    for call in sequence(message.get("tool_calls")):
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(call, dict) and isinstance(function, dict):
            arguments = arguments_of(function.get("arguments"))
            blocks.append({"type": "tool_use", "id": call["id"], "name": function.get("name"), "input": arguments})
    return blocks


def arguments_of(text: Json) -> dict[str, Json]:
    """The arguments of a call as a mapping; an empty one where they are none."""
    try:
        value: Json = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
