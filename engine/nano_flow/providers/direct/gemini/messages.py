"""Messages in OpenAI's form as Gemini takes them: parts, calls of functions with their signatures, their responses."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.providers.direct.anthropic.messages import arguments_of
from nano_flow.providers.wire.plain import sequence

Part = dict[str, Json]
SIGNED = "__thought__"
"""Between the id of a call and the signature that its service wants back with it; LiteLLM writes it so, too."""
_UNSIGNED = base64.b64encode(b"skip_thought_signature_validator").decode()
"""What Google takes in place of a signature for a call that another model made."""


def converted(messages: object, *, signed: bool) -> tuple[list[Part], list[Json]]:
    """The system prompt and the conversation; ``signed``: the model refuses calls without a signature."""
    system: list[Part] = []
    talk: list[tuple[str, list[Part]]] = []
    names: dict[str, Json] = {}
    for message in sequence(messages):
        if not isinstance(message, dict):
            continue
        role = str(message.get("role"))
        if role == "system":
            system += _parts(message.get("content"))
            continue
        side = "model" if role == "assistant" else "user"
        parts = _of(role, message, names, signed=signed)
        if talk and talk[-1][0] == side:
            talk[-1][1].extend(parts)
        else:
            talk.append((side, parts))
    if not talk:
        talk.append(("user", [{"text": "(no text)"}]))
    return system, [{"role": side, "parts": [*parts]} for side, parts in talk]


def _of(role: str, message: Mapping[str, Json], names: dict[str, Json], *, signed: bool) -> list[Part]:
    if role == "tool":
        call_id = str(message.get("tool_call_id"))
        response: Part = {"name": names.get(call_id, "tool"), "response": {"content": message.get("content")}}
        return [{"functionResponse": {**response, **_id(call_id, signed=signed)}}]
    parts = _parts(message.get("content")) if message.get("content") else []
    if role == "assistant":
        parts += _calls(message, names, signed=signed)
    return parts


def _parts(content: Json) -> list[Part]:
    if isinstance(content, str):
        return [{"text": content}]
    return [_part(part) for part in sequence(content) if isinstance(part, dict)]


def _part(part: Mapping[str, Json]) -> Part:
    image = part.get("image_url")
    if not isinstance(image, dict):
        return {"text": part.get("text")}
    head, _, data = str(image.get("url")).partition(";base64,")
    return {"inlineData": {"mimeType": head.removeprefix("data:"), "data": data}}


def _calls(message: Mapping[str, Json], names: dict[str, Json], *, signed: bool) -> list[Part]:
    parts: list[Part] = []
    for call in sequence(message.get("tool_calls")):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict):
            continue
        call_id = str(call.get("id"))
        names[call_id] = function.get("name")
        said: Part = {"name": function.get("name"), "args": arguments_of(function.get("arguments"))}
        part: Part = {"functionCall": {**said, **_id(call_id, signed=signed)}}
        signature = call_id.partition(SIGNED)[2] or (_UNSIGNED if signed and not parts else "")
        if signature:
            part["thoughtSignature"] = signature
        parts.append(part)
    return parts


def _id(call_id: str, *, signed: bool) -> Part:
    """Models that sign their calls also tell them apart by ids."""
    return {"id": call_id.partition(SIGNED)[0]} if signed else {}
