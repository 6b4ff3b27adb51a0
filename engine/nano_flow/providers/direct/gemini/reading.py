"""Gemini's replies: candidates of parts; in one piece, and as a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import uuid4

from nano_flow.core.messages import Json
from nano_flow.providers.direct.dialect import Told
from nano_flow.providers.direct.gemini.messages import SIGNED
from nano_flow.providers.transport.exchange import unreadable
from nano_flow.providers.wire.ending import of_candidates
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector


def whole(reply: Mapping[str, Json]) -> Raw:
    """The parts of a reply that came in one piece. ServerFailed where it is none."""
    if not sequence(reply.get("candidates")) and not read(reply.get("promptFeedback"), "blockReason"):
        raise unreadable("the reply holds no candidate")
    collector = Collector(None, 2**31)
    reader = Candidates(collector)
    reader.take(reply)
    collector.usage = reader.usage
    return collector.raw(reader.announced)


class Candidates:
    """Reads one stream: each event has the form of a reply."""

    over = False

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._calls = 0
        self.usage: object = None
        self.announced: str | None = None

    def take(self, event: Mapping[str, Json]) -> None:
        """Take one event."""
        if event.get("error"):
            raise Told(event["error"])
        reported = event.get("usageMetadata")
        if isinstance(reported, dict):
            self.usage = as_openai(reported)
        reason = of_candidates(event)
        if isinstance(reason, str):
            self.announced = reason
        self._collector.name(event.get("modelVersion") or self._collector.model)
        first = next((one for one in sequence(event.get("candidates")) if not read(one, "index")), None)
        for part in sequence(read(read(first, "content"), "parts")):
            if isinstance(part, dict):
                self._part(part)

    def _part(self, part: Mapping[str, Json]) -> None:
        call = part.get("functionCall")
        if isinstance(call, dict):
            self._call(call, part.get("thoughtSignature"))
        elif part.get("thought") is True:
            self._collector.reason(part.get("text"))
        else:
            self._collector.write(part.get("text"))

    def _call(self, call: Mapping[str, Json], signature: Json) -> None:
        call_id = str(call.get("id") or f"call_{uuid4().hex[:24]}")
        if isinstance(signature, str) and signature:
            call_id = f"{call_id}{SIGNED}{signature}"
        arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
        function = {"name": call.get("name"), "arguments": arguments}
        self._collector.call([{"index": self._calls, "id": call_id, "function": function}])
        self._calls += 1


def as_openai(usage: Mapping[str, Json]) -> Mapping[str, object]:
    """Gemini's figures under OpenAI's names: thoughts are beside the candidates, what tools read beside the prompt."""
    prompt, read_by_tools = usage.get("promptTokenCount") or 0, usage.get("toolUsePromptTokenCount") or 0
    wrote, thought = usage.get("candidatesTokenCount") or 0, usage.get("thoughtsTokenCount") or 0
    total = usage.get("totalTokenCount")
    if not wrote and isinstance(total, int) and isinstance(prompt, int) and isinstance(thought, int):
        wrote = max(0, total - prompt - thought - (read_by_tools if isinstance(read_by_tools, int) else 0))
    cached = usage.get("cachedContentTokenCount") or 0
    heard = _of_kind(usage.get("promptTokensDetails"), "AUDIO")
    if heard and cached:
        heard = max(0, heard - _of_kind(usage.get("cacheTokensDetails"), "AUDIO"))
    return {
        "prompt_tokens": _sum(prompt, read_by_tools),
        "completion_tokens": _sum(wrote, thought),
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": heard},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": _of_kind(usage.get("candidatesTokensDetails"), "AUDIO"),
        },
    }


def _sum(one: Json, other: Json) -> object:
    """What is no count stays none, and is refused where it is read."""
    if all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in (one, other)):
        return int(str(one)) + int(str(other))
    return "no count"


def _of_kind(details: Json, kind: str) -> int:
    counts = [read(part, "tokenCount") for part in sequence(details) if read(part, "modality") == kind]
    return sum(count for count in counts if isinstance(count, int))
