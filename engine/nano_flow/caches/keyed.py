"""An exact cache: whoever keeps replies by key, as the port wants it."""

from __future__ import annotations

from typing import Protocol

from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money
from nano_flow.ports.cache import CacheQuestion


class Kept(Protocol):
    """Keeps replies by key; quick enough to be asked beside everything else."""

    def get(self, key: str, now: float) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""

    def put(self, key: str, reply: ChatReply, cost: Money, now: float, ttl_s: float | None) -> None:
        """Keep a whole reply."""

    def close(self) -> None:
        """Let go."""


class ExactCache:
    """Looks a question up by each of its keys, and keeps its reply under the newest."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""
        hits = (self._kept.get(key, question.now) for key in question.keys)
        return next((hit for hit in hits if hit is not None), None)

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        """Keep a whole reply."""
        self._kept.put(question.keys[0], reply, cost, question.now, question.ttl_s)

    async def close(self) -> None:
        """The run is over."""
        self._kept.close()
