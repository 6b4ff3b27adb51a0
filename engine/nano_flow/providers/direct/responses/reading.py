"""Replies of the Responses API: items of text, refusals, reasoning and calls; in one piece, and as a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nano_flow.core.messages import Json
from nano_flow.providers.direct.dialect import Told
from nano_flow.providers.direct.responses.messages import REASONING
from nano_flow.providers.transport.exchange import unreadable
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector

_OVER = ("response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done")
_UNFINISHED = {"queued": "incomplete", "in_progress": "incomplete", "cancelled": "cancelled"}


def whole(reply: Mapping[str, Json]) -> Raw:
    """The parts of a response that came in one piece. Told where it failed, ServerFailed where it is none."""
    if not isinstance(reply.get("output"), list):
        if reply.get("status") == "failed":
            raise Told(reply.get("error") or "the response failed")
        raise unreadable("the reply holds no output")
    collector = Collector(None, 2**31)
    reader = Items(collector)
    reader.end(reply)
    return reader.raw(collector.raw(reader.announced))


class Items:
    """Reads one stream."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._written: set[tuple[object, str]] = set()
        self._reasoning: list[Json] = []
        self._called = False
        self.usage: object = None
        self.announced: str | None = None
        self.over = False

    def take(self, event: Mapping[str, Json]) -> None:
        """Take one event."""
        kind, place = str(event.get("type") or ""), event.get("output_index")
        if kind == "error" or (not kind and event.get("error")):
            raise Told(event.get("error") or {"message": event.get("message"), "code": event.get("code")})
        if kind.endswith(".delta"):
            self._delta(kind, place, event.get("delta"))
        elif kind == "response.output_item.added":
            self._begin(place, _mapping(event.get("item")))
        elif kind == "response.output_item.done":
            self._item(place, _mapping(event.get("item")))
        elif kind in _OVER:
            self.end(_mapping(event.get("response")))
            self.over = True

    def _delta(self, kind: str, place: object, delta: Json) -> None:
        if kind == "response.output_text.delta":
            self._written.add((place, "text"))
            self._collector.write(delta)
        elif kind == "response.refusal.delta":
            self._written.add((place, "refusal"))
            self._collector.refuse(str(delta or ""))
        elif kind == "response.function_call_arguments.delta":
            self._written.add((place, "call"))
            self._collector.call([{"index": place, "function": {"arguments": delta}}])
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            self._collector.reason(delta)

    def end(self, response: Mapping[str, Json]) -> None:
        """A whole response: what of it has not come yet, and how it ended. Told where it failed."""
        self._collector.name(response.get("model"))
        usage = response.get("usage")
        if isinstance(usage, dict):
            self.usage = as_openai(usage)
        if response.get("status") == "failed":
            raise Told(response.get("error") or "the response failed")
        for place, item in enumerate(sequence(response.get("output"))):
            if isinstance(item, dict):
                self._item(place, item)
        self.announced = _ending(response, called=self._called)
        self._collector.usage = self.usage
        if self._reasoning:
            self._collector.keep(REASONING, self._reasoning)

    def raw(self, raw: Raw) -> Raw:
        """The parts with the usage that was reported."""
        return replace(raw, usage=self.usage)

    def _begin(self, place: object, item: Mapping[str, Json]) -> None:
        if item.get("type") == "function_call" and (place, "begun") not in self._written:
            self._written.add((place, "begun"))
            self._called = True
            self._collector.call([{"index": place, "id": item.get("call_id"), "function": {"name": item.get("name")}}])

    def _item(self, place: object, item: Mapping[str, Json]) -> None:
        """An item that is whole; of what came in pieces nothing is taken twice."""
        if (place, "done") in self._written:
            return
        self._written.add((place, "done"))
        kind = item.get("type")
        if kind == "function_call":
            self._begin(place, item)
            if (place, "call") not in self._written:
                self._collector.call([{"index": place, "function": {"arguments": item.get("arguments")}}])
        elif kind == "reasoning":
            self._collector.reason(" ".join(str(read(part, "text") or "") for part in sequence(item.get("summary"))))
            if item.get("encrypted_content"):
                self._reasoning.append({name: value for name, value in item.items() if name != "status"})
        elif kind == "message":
            for part in sequence(item.get("content")):
                self._part(place, part)

    def _part(self, place: object, part: object) -> None:
        if read(part, "type") == "refusal" and (place, "refusal") not in self._written:
            self._collector.refuse(str(read(part, "refusal") or ""))
        elif read(part, "type") in ("output_text", "text") and (place, "text") not in self._written:
            self._collector.write(read(part, "text"))


def _ending(response: Mapping[str, Json], *, called: bool) -> str | None:
    status = response.get("status")
    if status == "incomplete":
        reason = read(response.get("incomplete_details"), "reason")
        return reason if isinstance(reason, str) and reason else "incomplete"
    if isinstance(status, str) and status in _UNFINISHED:
        return _UNFINISHED[status]
    return "tool_calls" if called else "stop"


def as_openai(usage: Mapping[str, Json]) -> Mapping[str, object]:
    """The figures under the names of the older form."""
    prompt, cached = usage.get("input_tokens"), read(usage.get("input_tokens_details"), "cached_tokens")
    wrote, thought = usage.get("output_tokens"), read(usage.get("output_tokens_details"), "reasoning_tokens")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": wrote,
        "total_tokens": usage.get("total_tokens"),
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thought},
        "cost": usage.get("cost"),
    }


def _mapping(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
