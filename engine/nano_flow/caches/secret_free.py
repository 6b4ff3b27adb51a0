"""A cache that keeps no secrets: what holds one is asked for again, for its key would open it to other runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money
from nano_flow.ports.cache import Cache, CacheQuestion


@dataclass(frozen=True, slots=True)
class SecretFree:
    """``inner``, without the questions and replies of which ``holds_secret`` is true."""

    inner: Cache
    holds_secret: Callable[[object], bool]

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        """See ``ports.cache``."""
        return await self.inner.find(question)

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        """Keep it, unless a secret stands in the reply, or in what a cache that looks at questions would keep."""
        if not self.holds_secret(reply) and not self.holds_secret(question.messages):
            await self.inner.keep(question, reply, cost)

    async def close(self) -> None:
        """The run is over."""
        await self.inner.close()
