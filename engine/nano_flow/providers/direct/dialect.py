"""What a language of servers is: where a call goes, how it is written, how its reply is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nano_flow.core.messages import Json
from nano_flow.providers.cards import Endpoint, ModelFacts
from nano_flow.providers.wire.arguments import Prepared
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes, and the headers that say who calls."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Told(Exception):
    """An error that a provider tells of inside of a reply; ``error`` is what it says."""

    def __init__(self, error: Json) -> None:
        self.error = error
        super().__init__("an error inside of a reply")


def error_in(reply: Mapping[str, Json]) -> Json:
    """The error that stands in the place of a reply, or of one of its events; None where there is none."""
    if reply.get("choices"):
        return None
    if reply.get("error"):
        return reply["error"]
    stands_alone = "message" in reply and ("code" in reply or reply.get("object") == "error")
    return dict(reply) if stands_alone else None


class Reader(Protocol):
    """Reads the events of one stream into its collector."""

    @property
    def usage(self) -> object:
        """In OpenAI's form; None until one was reported."""

    @property
    def over(self) -> bool:
        """Whether the provider said that nothing more comes."""

    @property
    def announced(self) -> str | None:
        """How the provider said that the reply ended; None: not yet."""

    def take(self, event: Mapping[str, Json]) -> None:
        """Take one event. Raises Told."""


class Dialect(Protocol):
    """One language."""

    @property
    def service(self) -> str:
        """LiteLLM's id of the servers that speak it: what they want and refuse is known by it."""

    def target(self, endpoint: Endpoint, card: ModelFacts, *, stream: bool) -> Target:
        """Where a call of a model goes."""

    def wants(self, body: Body) -> Mapping[str, str]:
        """Headers that what is asked needs."""

    def body(self, prepared: Prepared, card: ModelFacts, *, stream: bool) -> Body:
        """The call as it is sent."""

    def whole(self, reply: Mapping[str, Json]) -> Raw:
        """The parts of a reply that came in one piece. ServerFailed where it holds none."""

    def reader(self, collector: Collector) -> Reader:
        """What reads a stream."""


def joined(base: str, path: str) -> str:
    """``path`` after the path of ``base``, whose query stays at the end."""
    address, mark, query = base.partition("?")
    return f"{address.rstrip('/')}{path}{mark}{query}"


def with_query(url: str, query: str) -> str:
    """``url`` with one more parameter."""
    return f"{url}{'&' if '?' in url else '?'}{query}"
