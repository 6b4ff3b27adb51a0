"""OpenAI's chat completions: OpenAI, Azure, and every server that speaks its language."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from nano_flow.core.messages import Json
from nano_flow.providers.cards import Endpoint, ModelFacts, asks_for_usage
from nano_flow.providers.direct.dialect import Body, Target, Told, error_in, joined, with_query
from nano_flow.providers.wire.arguments import Prepared
from nano_flow.providers.wire.ending import announced_in
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw, whole
from nano_flow.providers.wire.stream import Collector

_OPENAI = "https://api.openai.com/v1"
_PATH = "/chat/completions"


class OpenAI:
    """The language of OpenAI; ``service`` is ``openai`` or ``azure``."""

    def __init__(self, service: str) -> None:
        self.service = service

    def target(self, endpoint: Endpoint, card: ModelFacts, *, stream: bool) -> Target:
        """Azure's addresses name the deployment, and take the key in a header of their own."""
        base = endpoint.address or _OPENAI
        if self.service == "azure":
            return Target(_azure_url(endpoint, card), _azure_headers(endpoint))
        headers = {"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        for name in ("organization", "project"):
            if endpoint.setting(name):
                headers[f"openai-{name}"] = endpoint.setting(name)
        return Target(_with_path(base), headers)

    def body(self, prepared: Prepared, card: ModelFacts, *, stream: bool) -> Body:
        """What is asked is in this language already."""
        messages = [_spoken(message) for message in sequence(prepared.arguments["messages"])]
        body: Body = {"model": card.deployment or card.ref.model, **prepared.arguments, "messages": messages}
        if stream:
            body["stream"] = True
            if asks_for_usage(card, self.service):
                body["stream_options"] = {"include_usage": True}
        return body

    def wants(self, body: Body) -> Mapping[str, str]:
        """None."""
        return {}

    def whole(self, reply: Mapping[str, Json]) -> Raw:
        """The first choice."""
        raw = whole(reply)
        return Raw(raw.text, raw.calls, announced_in(reply, raw.finish), raw.usage, raw.model, raw.kept)

    def reader(self, collector: Collector) -> Chunks:
        """Chunks of choices."""
        return Chunks(collector)


def _spoken(message: object) -> object:
    """A message of calls alone has no content, rather than an empty one: not every server takes that."""
    if not isinstance(message, dict):
        return message
    return {
        name: value
        for name, value in message.items()
        if name != "reasoning_items" and (name != "content" or value is not None)
    }


def _with_path(base: str) -> str:
    return base if urlsplit(base).path.endswith(_PATH) else joined(base, _PATH)


def _azure_url(endpoint: Endpoint, card: ModelFacts) -> str:
    """By deployment and version of the API; the newer addresses of Azure end in ``/openai/v1`` and need neither."""
    path = urlsplit(endpoint.address).path.rstrip("/")
    if path.endswith((_PATH, "/openai/v1")):
        return _with_path(endpoint.address)
    deployment = quote(card.deployment or card.ref.model, safe="")
    if "/openai/deployments/" in path:
        url = _with_path(endpoint.address)
    else:
        url = joined(endpoint.address.rstrip("/").removesuffix("/openai"), f"/openai/deployments/{deployment}{_PATH}")
    return with_query(url, f"api-version={quote(endpoint.setting('api_version'))}")


def _azure_headers(endpoint: Endpoint) -> dict[str, str]:
    if endpoint.part("token"):
        return {"authorization": f"Bearer {endpoint.part('token')}"}
    return {"api-key": endpoint.key} if endpoint.key else {}


class Chunks:
    """Reads one stream."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self.usage: object = None
        self.over = False

    @property
    def announced(self) -> str | None:
        """The reason that came with the last piece."""
        return self._collector.finish

    def take(self, event: Mapping[str, Json]) -> None:
        """Take one chunk."""
        error = error_in(event)
        if error:
            raise Told(error)
        usage = event.get("usage")
        if usage and not (self.usage and _says_nothing(usage)):
            self.usage = usage
        elif not self.usage:  # one server puts it beside its own measurements
            self.usage = read(event.get("x_groq"), "usage")
        if _is_whole(event):
            self._take_whole(event)
        else:
            self._collector.take(event)

    def _take_whole(self, event: Mapping[str, Json]) -> None:
        """Some servers send a whole reply as the one event of a stream."""
        raw = whole(event)
        self._collector.write(raw.text)
        self._collector.end(raw.finish)
        self._collector.name(raw.model)
        calls = [
            {"index": place, "id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
            for place, call in enumerate(raw.calls)
        ]
        self._collector.call(calls)


def _says_nothing(usage: object) -> bool:
    """Whether a report is one of zeros, which some servers send last."""
    return not read(usage, "prompt_tokens") and not read(usage, "completion_tokens")


def _is_whole(event: Mapping[str, Json]) -> bool:
    first = next(iter(sequence(event.get("choices"))), None)
    return isinstance(first, dict) and "message" in first and "delta" not in first
