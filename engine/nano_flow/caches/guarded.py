"""A cache of another package: whatever it does wrong is told once, and from then on every look-up misses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money
from nano_flow.ports import Cache
from nano_flow.ports.cache import CacheQuestion

_T = TypeVar("_T")


class GuardedCache:
    """Hands questions on to ``cache`` until it raises; ``tell`` then hears why."""

    def __init__(self, cache: Cache, name: str, tell: Callable[[str], None]) -> None:
        self._cache = cache
        self._name = name
        self._tell = tell
        self._broken = False

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""
        return None if self._broken else await self._try(self._cache.find(question))

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        """Keep a whole reply."""
        if not self._broken:
            await self._try(self._cache.keep(question, reply, cost))

    async def close(self) -> None:
        """The run is over."""
        await self._try(self._cache.close())

    async def _try(self, doing: Awaitable[_T]) -> _T | None:
        try:
            return await doing
        except Exception as error:  # the edge of somebody else's cache
            if not self._broken:
                self._broken = True
                self._tell(f'the cache "{self._name}" is not used any more: {type(error).__name__}: {error}')
            return None
