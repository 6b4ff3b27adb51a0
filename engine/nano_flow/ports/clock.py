"""Time, as everything that waits or measures sees it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Clock(Protocol):
    """Time; a fake one makes hours pass in a test."""

    def now(self) -> float:
        """Seconds since 1970, UTC: for records."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps: for durations and timeouts."""

    async def sleep(self, seconds: float) -> None:
        """Come back after ``seconds``."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError inside the block after ``seconds`` (None: never)."""
