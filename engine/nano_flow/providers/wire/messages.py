"""Our messages as LiteLLM takes them: OpenAI's form, with the marks that single providers want."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Attachment, ChatRequest, Json, Message, ToolCall
from nano_flow.providers.wire.names import ToolNames, wire_id

CACHE_FROM_BYTES = 4096
"""Below about a thousand tokens no provider caches a prompt."""
_MARK: dict[str, Json] = {"type": "ephemeral"}
_WANTS_THINKING = frozenset({"anthropic", "bedrock"})
"""LiteLLM ids of providers that want signed thinking back before the tool calls that it led to."""
_WANTS_NOTHING = frozenset({"gemini", "vertex_ai", "cohere", "ollama_chat", "ollama"})
"""LiteLLM ids of providers whose thoughts LiteLLM tells of, and which do not take them back."""
_REASONING = ("reasoning_content", "reasoning_details", "reasoning_items")
"""In which fields servers of OpenAI's form send what was thought, and want it back."""
_NO_TEXT = "(no text)"
"""Some providers refuse a message without text."""

Wire = dict[str, Json]


@dataclass(frozen=True, slots=True)
class MessageStyle:
    """How messages go to one provider: ``note`` is added to the system prompt, ``mark_cache`` sets cache points."""

    litellm: str
    provider: str
    names: ToolNames
    mark_cache: bool = False
    tools_as_text: bool = False
    note: str = ""


def wire_messages(request: ChatRequest, style: MessageStyle) -> list[Wire]:
    """All messages of ``request``."""
    messages: Sequence[Message] = request.messages
    if style.note:
        messages = _with_note(messages, style.note)
    wired = [_wire(message, style) for message in messages]
    if style.mark_cache:
        _mark(wired, looping=bool(request.tools))
    return wired


def _with_note(messages: Sequence[Message], note: str) -> Sequence[Message]:
    first = messages[0] if messages else None
    if first is not None and first.role == "system":
        return (Message("system", f"{first.content}\n\n{note}"), *messages[1:])
    return (Message("system", note), *messages)


def _wire(message: Message, style: MessageStyle) -> Wire:
    if message.role == "tool":
        return _result(message, style)
    if message.role == "assistant":
        return _assistant(message, style)
    if not message.attachments:
        return {"role": message.role, "content": message.content or _NO_TEXT}
    return {"role": message.role, "content": _parts(message)}


def _result(message: Message, style: MessageStyle) -> Wire:
    if style.tools_as_text:
        return {"role": "user", "content": f"<tool_result>\n{message.content}\n</tool_result>"}
    call_id = wire_id(message.tool_call_id, style.litellm)
    return {"role": "tool", "tool_call_id": call_id, "content": message.content or _NO_TEXT}


def _assistant(message: Message, style: MessageStyle) -> Wire:
    if style.tools_as_text:
        said = [message.content, *(call_text(call) for call in message.tool_calls)]
        return {"role": "assistant", "content": "\n".join(part for part in said if part) or _NO_TEXT}
    wired: Wire = {"role": "assistant", "content": message.content or (None if message.tool_calls else _NO_TEXT)}
    if message.tool_calls:
        wired["tool_calls"] = [_call(call, style) for call in message.tool_calls]
    return wired | _thought(message.provider_data or {}, style)


def _thought(data: Mapping[str, Json], style: MessageStyle) -> Wire:
    """What a model thought before its calls, given back to the provider that sent it, in the field that it came in."""
    if data.get("provider") != style.provider or style.litellm in _WANTS_NOTHING:
        return {}
    fields = ("thinking_blocks",) if style.litellm in _WANTS_THINKING else _REASONING
    return {field: data[field] for field in fields if field in data}


def _call(call: ToolCall, style: MessageStyle) -> Json:
    name = style.names.to_wire(call.name)
    return {
        "id": wire_id(call.id, style.litellm),
        "type": "function",
        "function": {"name": name, "arguments": call.arguments or "{}"},
    }


def call_text(call: ToolCall) -> str:
    """A tool call of an earlier turn, for a model that gets its tools by prompt."""
    return f'<tool_call>{{"name": {json.dumps(call.name)}, "arguments": {call.arguments or "{}"}}}</tool_call>'


def _parts(message: Message) -> Json:
    """Text, text files and images; where there is no image it is one text, which every model takes."""
    texts = [f"{message.content}"] if message.content else []
    texts += [_file(a) for a in message.attachments if not _is_image(a)]
    text = "\n\n".join(texts)
    images = [a for a in message.attachments if _is_image(a)]
    if not images:
        return text or _NO_TEXT
    parts: list[Json] = [{"type": "text", "text": text or _NO_TEXT}]
    for image in images:
        url = f"data:{image.media_type};base64,{image.data}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def _is_image(attachment: Attachment) -> bool:
    return attachment.media_type.startswith("image/")


def _file(attachment: Attachment) -> str:
    return f"<file name={json.dumps(attachment.name)}>\n{attachment.data}\n</file>"


def _mark(messages: list[Wire], *, looping: bool) -> None:
    """Cache points: after the system prompt, and in a loop of tools after the last message, where they pay.

    What is written to a cache costs more than it would uncached: only what will be read again is marked.
    """
    system = next((m for m in messages if m["role"] == "system"), None)
    if system is not None and _size(system) >= CACHE_FROM_BYTES:
        system["content"] = _marked(system["content"])
    if looping and messages and sum(_size(m) for m in messages) >= CACHE_FROM_BYTES:
        last = messages[-1]
        if last["role"] == "tool":
            last["cache_control"] = dict(_MARK)
        elif last["role"] == "user":
            last["content"] = _marked(last["content"])


def _size(message: Mapping[str, Json]) -> int:
    content = message.get("content")
    return len(content) if isinstance(content, str) else len(json.dumps(content))


def _marked(content: Json) -> Json:
    parts = [dict(part) for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    if isinstance(content, str):
        parts = [{"type": "text", "text": content}]
    if parts:
        parts[-1]["cache_control"] = dict(_MARK)
    return [*parts]
