"""Keeps to the limits of a provider before a call is sent: calls a minute, tokens a minute, calls at a time.

Any sixty seconds hold at most ``rpm`` calls and ``tpm`` tokens. A place among the calls at a time is taken first, then
the time is waited for; whoever waits for time holds nothing that another waits for except that place, and time passes
by itself, so no two calls can wait on each other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nano_flow.ports import Clock

WINDOW_S = 60.0


@dataclass(slots=True)
class _Sent:
    at: float
    tokens: int
    counted: bool = True


class Pace:
    """The limits of one provider; None is no limit."""

    def __init__(
        self, clock: Clock, rpm: int | None = None, tpm: int | None = None, in_flight: int | None = None
    ) -> None:
        self._clock = clock
        self._rpm = rpm
        self._tpm = tpm
        self._places = asyncio.Semaphore(in_flight) if in_flight else None
        self._queue = asyncio.Lock()
        self._sent: deque[_Sent] = deque()
        self._tokens = 0

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[_Turn]:
        """Wait until a call of about ``tokens`` may be sent, and hold its place while it runs."""
        if self._places is not None:
            async with self._places:
                yield _Turn(self, await self._wait(tokens))
        else:
            yield _Turn(self, await self._wait(tokens))

    async def _wait(self, tokens: int) -> _Sent | None:
        """Wait for room in the window, first come first served, and take it."""
        if self._rpm is None and self._tpm is None:
            return None
        async with self._queue:
            while (delay := self._delay(tokens)) > 0:
                await self._clock.sleep(delay)
            sent = _Sent(self._clock.monotonic(), tokens)
            self._sent.append(sent)
            self._tokens += tokens
        return sent

    def _delay(self, tokens: int) -> float:
        """Seconds until the next call fits; a call larger than ``tpm`` fits into an empty window."""
        now = self._clock.monotonic()
        self._forget(now)
        if not self._sent:
            return 0.0
        crowded = self._rpm is not None and len(self._sent) >= self._rpm
        heavy = self._tpm is not None and self._tokens + tokens > self._tpm
        return max(self._sent[0].at + WINDOW_S - now, 0.001) if crowded or heavy else 0.0

    def _forget(self, now: float) -> None:
        """Calls that are a minute old count no more."""
        while self._sent and self._sent[0].at <= now - WINDOW_S:
            old = self._sent.popleft()
            old.counted = False
            self._tokens -= old.tokens

    def used(self) -> float:
        """The share of this minute's calls or tokens that is taken."""
        self._forget(self._clock.monotonic())
        calls = len(self._sent) / self._rpm if self._rpm else 0.0
        return max(calls, self._tokens / self._tpm if self._tpm else 0.0)

    def correct(self, sent: _Sent | None, tokens: int) -> None:
        """A call took ``tokens`` and not what was expected."""
        if sent is not None and sent.counted:
            self._tokens += tokens - sent.tokens
            sent.tokens = tokens


@dataclass(frozen=True, slots=True)
class _Turn:
    """A call that may be sent."""

    pace: Pace
    sent: _Sent | None

    def took(self, tokens: int) -> None:
        """What the call really took."""
        self.pace.correct(self.sent, tokens)
