"""A cache that could not be opened: a run does not end because of it, and says so once it would use it."""

from __future__ import annotations

from collections.abc import Callable

from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money


class AbsentCache:
    """Holds nothing and keeps nothing; ``tell`` hears the ``problem`` at the first look-up."""

    def __init__(self, problem: str, tell: Callable[[str], None]) -> None:
        self.problem: str | None = problem
        self._tell = tell
        self._told = False

    def get(self, key: str, now: float) -> tuple[ChatReply, Money] | None:
        """Nothing."""
        if not self._told:
            self._told = True
            self._tell(f"{self.problem}; no reply is cached")
        return None

    def put(self, key: str, reply: ChatReply, cost: Money, now: float, ttl_s: float | None) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is held open."""
