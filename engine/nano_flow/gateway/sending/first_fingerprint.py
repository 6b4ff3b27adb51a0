"""The fingerprints and cache keys of the first releases: runs that wait in a store, and kept replies, have them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from nano_flow.core.messages import Json, Message, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAsk

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

_KNOWN = {"messages", "tools", "reply", "sample"}
_KNOWN_INSIDE: Mapping[str, frozenset[str]] = {
    "messages": frozenset({"role", "content", "tool_calls", "tool_call_id", "attachments"}),
    "tools": frozenset({"name", "description", "parameters"}),
    "reply": frozenset({"output_schema", "params", "max_output_tokens"}),
}


def question_text(ask: ModelAsk, asked: str) -> str | None:
    """The question as the first releases wrote it; None where it says what they did not know of.

    ``asked`` is today's canonical text, which has every field that differs from its default.
    """
    if not _is_known(json.loads(asked)):
        return None
    reply = ask.reply
    text = _encode(
        [
            [_message(message) for message in ask.messages],
            [_tool(tool) for tool in ask.tools],
            dict(reply.params),
            None if reply.output_schema is None else dict(reply.output_schema),
            reply.max_output_tokens,
        ]
    )
    return f"{text}\x00sample {ask.sample}" if ask.sample else text


def fingerprint(text: str, requested: str, escalate: int) -> str:
    """The digest that a recorded reply was found by."""
    return _digest(f"{requested}\x00{escalate}\x00{text}")


def cache_key(text: str, ref: ModelRef, base_url: str, output_cap: int) -> str:
    """The digest that a reply was kept under."""
    return _digest(f"{ref}\x00{base_url}\x00{output_cap}\x00{text}")


def messages_text(messages: Iterable[Message]) -> str:
    """Messages as canonical text."""
    return _encode([_message(message) for message in messages])


def _is_known(question: Mapping[str, Json]) -> bool:
    """Whether the first releases knew every field that is said."""
    if not _KNOWN.issuperset(question):
        return False
    for name, known in _KNOWN_INSIDE.items():
        part = question.get(name)
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, dict) and not known.issuperset(each):
                return False
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _message(message: Message) -> list[Json]:
    calls: list[Json] = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    files: list[Json] = [[a.name, a.media_type, a.data] for a in message.attachments]
    return [message.role, message.content, calls, message.tool_call_id, files]


def _tool(tool: ToolSpec) -> list[Json]:
    parameters: Mapping[str, Json] = tool.parameters
    return [tool.name, tool.description, dict(parameters)]
