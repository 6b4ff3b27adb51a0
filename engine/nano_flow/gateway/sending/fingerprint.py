"""What was asked, as a digest: it finds recorded replies again, and cached ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from nano_flow.core.messages import Json, Message, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAsk

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def question_text(ask: ModelAsk) -> str:
    """Messages, tools, parameters, schema and cap as one canonical text, without any model."""
    return _encode(
        [
            [_message(message) for message in ask.messages],
            [_tool(tool) for tool in ask.tools],
            dict(ask.params),
            None if ask.output_schema is None else dict(ask.output_schema),
            ask.max_output_tokens,
        ]
    )


def fingerprint(asked: str, requested: str, escalate: int = 0) -> str:
    """The digest that a recorded reply is compared by: the question and the model or tier that was asked for.

    The model that is chosen is no part of it, nor is the document: a resumed run takes the reply it has.
    """
    return _digest(f"{requested}\x00{escalate}\x00{asked}")


def prompt_digest(messages: Iterable[Message]) -> str:
    """The digest of what a conversation begins with: one prompt has one, whichever model answers it."""
    return _digest(_encode([_message(message) for message in messages]))


def cache_key(asked: str, ref: ModelRef, base_url: str, output_cap: int) -> str:
    """The digest that a cached reply is kept under: here the model that replied counts, and where it is served."""
    return _digest(f"{ref}\x00{base_url}\x00{output_cap}\x00{asked}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _message(message: Message) -> list[Json]:
    calls: list[Json] = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    files: list[Json] = [[a.name, a.media_type, a.data] for a in message.attachments]
    return [message.role, message.content, calls, message.tool_call_id, files]


def _tool(tool: ToolSpec) -> list[Json]:
    parameters: Mapping[str, Json] = tool.parameters
    return [tool.name, tool.description, dict(parameters)]
