"""A cache that could not be opened: a run does not end because of it, and says so once it would use it."""

from __future__ import annotations

from collections.abc import Callable

from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money
from nano_flow.ports.cache import CacheQuestion


class AbsentCache:
    """Holds nothing and keeps nothing; ``tell`` hears the ``problem`` at the first look-up."""

    def __init__(self, problem: str, tell: Callable[[str], None]) -> None:
        self.problem: str | None = problem
        self._tell = tell
        self._told = False

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        """Nothing."""
        if not self._told:
            self._told = True
            self._tell(f"{self.problem}; no reply is cached")
        return None

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is held open."""
