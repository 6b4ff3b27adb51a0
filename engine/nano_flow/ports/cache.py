"""Replies kept between runs."""

from __future__ import annotations

from typing import Protocol

from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money


class Cache(Protocol):
    """Replies kept between runs, by fingerprint."""

    def get(self, key: str, now: float) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""

    def put(self, key: str, reply: ChatReply, cost: Money, now: float, ttl_s: float | None) -> None:
        """Keep a whole reply."""
