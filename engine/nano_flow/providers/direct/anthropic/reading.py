"""Anthropic's replies: blocks of text, thinking and calls of tools; in one piece, and as a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.providers.direct.dialect import Told
from nano_flow.providers.transport.exchange import unreadable
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector

SCHEMA_TOOL = "json_tool_call"
"""The tool by which models that take no schema are given one; its arguments are the reply."""
_THINKING = ("thinking", "redacted_thinking")


def whole(reply: Mapping[str, Json]) -> Raw:
    """The parts of a reply that came in one piece. ServerFailed where it is none."""
    if not isinstance(reply.get("content"), list):
        raise unreadable("the reply holds no content")
    collector = Collector(None, 2**31)
    reader = Blocks(collector)
    reader.begin(reply)
    for place, block in enumerate(sequence(reply["content"])):
        if isinstance(block, dict):
            reader.block(place, block)
    reader.end(reply)
    collector.usage = reader.usage
    return collector.raw(reader.announced)


class Blocks:
    """Reads one stream."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._reported: dict[str, Json] = {}
        self._schema_places: set[object] = set()
        self._called = False
        self.announced: str | None = None
        self.over = False

    @property
    def usage(self) -> object:
        """Tokens in OpenAI's form, where what was read from a cache and written to it is part of the prompt."""
        return as_openai(self._reported) if self._reported else None

    def take(self, event: Mapping[str, Json]) -> None:
        """Take one event."""
        kind = event.get("type")
        if kind == "error" or (kind is None and event.get("error")):
            raise Told(event.get("error"))
        if kind == "message_start":
            self.begin(_mapping(event.get("message")))
        elif kind == "content_block_start":
            self.block(event.get("index"), _mapping(event.get("content_block")))
        elif kind == "content_block_delta":
            self._delta(event.get("index"), _mapping(event.get("delta")))
        elif kind == "message_delta":
            self.end({**_mapping(event.get("delta")), "usage": event.get("usage")})
        elif kind == "message_stop":
            self.over = True

    def begin(self, message: Mapping[str, Json]) -> None:
        """What is known of a message before its blocks."""
        self._collector.name(message.get("model"))
        self._report(message.get("usage"))

    def end(self, message: Mapping[str, Json]) -> None:
        """How it ended."""
        reason = message.get("stop_reason")
        if isinstance(reason, str):
            self.announced = "stop" if reason == "tool_use" and self._schema_places and not self._called else reason
        self._report(message.get("usage"))

    def _report(self, usage: Json) -> None:
        """Later reports hold what the earlier ones left out, and sometimes zeros for what they said."""
        for name, value in _mapping(usage).items():
            if value or name not in self._reported:
                self._reported[name] = value

    def block(self, place: object, block: Mapping[str, Json]) -> None:
        """A block begins, or comes as a whole."""
        kind = block.get("type")
        if kind == "text":
            self._collector.write(block.get("text"))
        elif kind == "tool_use":
            self._call(place, block)
        elif kind in _THINKING:
            self._collector.think(block)

    def _call(self, place: object, block: Mapping[str, Json]) -> None:
        given = block.get("input")
        text = json.dumps(given, ensure_ascii=False) if given else ""
        if block.get("name") == SCHEMA_TOOL:
            self._schema_places.add(place)
            self._collector.write(text)
            return
        self._called = True
        function = {"name": block.get("name"), "arguments": text}
        self._collector.call([{"index": place, "id": block.get("id"), "function": function}])

    def _delta(self, place: object, delta: Mapping[str, Json]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            self._collector.write(delta.get("text"))
        elif kind == "input_json_delta" and place in self._schema_places:
            self._collector.write(delta.get("partial_json"))
        elif kind == "input_json_delta":
            self._collector.call([{"index": place, "function": {"arguments": delta.get("partial_json")}}])
        elif kind == "thinking_delta":
            self._collector.reason(delta.get("thinking"))
            self._collector.think({"type": "thinking", "thinking": delta.get("thinking")})
        elif kind == "signature_delta":
            self._collector.think({"type": "thinking", "signature": delta.get("signature")})


def as_openai(usage: Mapping[str, Json]) -> Mapping[str, object]:
    """Anthropic's figures under OpenAI's names; what is no count stays what it is, and is refused where it is read."""
    fresh, wrote = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    details: dict[str, object] = {"cached_tokens": cached, "cache_creation_tokens": written}
    hour = read(usage.get("cache_creation"), "ephemeral_1h_input_tokens")
    if hour:
        details["cache_creation_token_details"] = {"ephemeral_1h_input_tokens": hour}
    figures = (fresh, cached, written)
    prompt: object = sum(n for n in figures if isinstance(n, int))
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in figures):
        prompt = "no count"
    return {
        "prompt_tokens": prompt,
        "completion_tokens": wrote,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": read(usage.get("output_tokens_details"), "thinking_tokens") or 0
        },
    }


def _mapping(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
