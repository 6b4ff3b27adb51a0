"""Replies kept between runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nano_flow.core.messages import ChatReply, Message
from nano_flow.core.money import Money


@dataclass(frozen=True, slots=True)
class CacheQuestion:
    """A question to one model, as a cache sees it.

    ``keys`` are digests of all that makes the question what it is, the newest form first: an exact cache needs no more.
    ``messages`` are for caches that look at what is asked. ``ttl_s`` is how long a reply may be kept; None is for ever.
    """

    keys: tuple[str, ...]
    model: str
    messages: tuple[Message, ...]
    now: float
    ttl_s: float | None = None


class Cache(Protocol):
    """Finds replies to questions that were asked before. A run does not end because of one: it tells, and misses."""

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        """Keep a whole reply."""

    async def close(self) -> None:
        """The run is over."""
