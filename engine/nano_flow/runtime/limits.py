"""What bounds a run as a whole: slots, the number of steps, active time, and the order to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from nano_flow.core.errors import LimitReached
from nano_flow.core.outcomes import StopReason
from nano_flow.core.text import duration_text
from nano_flow.ports import Clock


class Slots:
    """At most ``limit`` prompts, commands and tools at a time; tells when the run is active."""

    __slots__ = ("_active", "_clock", "_free", "_since", "_spent", "limit")

    def __init__(self, limit: int, clock: Clock, already_active_s: float = 0.0) -> None:
        self.limit = limit
        self._free = asyncio.Semaphore(limit)
        self._clock = clock
        self._active = 0
        self._since = 0.0
        self._spent = already_active_s

    async def __aenter__(self) -> None:
        await self._free.acquire()
        self._active += 1
        if self._active == 1:
            self._since = self._clock.monotonic()

    async def __aexit__(self, *_: object) -> None:
        self._active -= 1
        if self._active == 0:
            self._spent += self._clock.monotonic() - self._since
        self._free.release()

    @property
    def busy(self) -> bool:
        """Whether anything holds a slot at this moment."""
        return self._active > 0

    @property
    def active_s(self) -> float:
        """Seconds during which at least one slot was held, earlier lives of the run included."""
        running = self._clock.monotonic() - self._since if self._active else 0.0
        return self._spent + running


@dataclass(slots=True)
class StepCount:
    """Counts started leaf steps up to ``limits.steps``."""

    limit: int
    started: int = 0

    def check(self, more: int) -> None:
        """LimitReached where ``more`` steps would be too many."""
        if self.started + more > self.limit:
            raise LimitReached(
                "limits.steps",
                f'{self.started} steps have started and {more} more are due, "limits.steps" is {self.limit}: '
                'raise it, or make the list shorter, then "nano-flow resume last"',
            )

    def add(self) -> None:
        """One more leaf step starts."""
        if self.started >= self.limit:
            self.check(1)
        self.started += 1


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run stops before its end."""

    reason: StopReason
    address: str
    message: str
    pause: bool = False


@dataclass(slots=True)
class Control:
    """The order to stop, and who has to hear it."""

    stop: Stop | None = None
    listeners: list[Callable[[], None]] = field(default_factory=list)
    cancel: Callable[[], None] = lambda: None
    busy: Callable[[], bool] = lambda: False
    """Whether a prompt, command or tool is running."""
    ending: bool = False
    """True once only the handlers of the whole run are left: its time limit does not reach them."""

    def order(self, stop: Stop) -> None:
        """Start nothing new; what runs may finish. The first order counts."""
        if self.stop is None:
            self.stop = stop
            for hear in list(self.listeners):
                hear()

    def order_now(self, stop: Stop) -> None:
        """Stop at once: what runs is cancelled."""
        self.order(stop)
        self.cancel()


async def watch_active_time(slots: Slots, limit_s: float, clock: Clock, control: Control) -> None:
    """Stop the run when it has been active for ``limit_s``; waiting and paused time does not count."""
    while (left := limit_s - slots.active_s) > 0:
        await clock.sleep(max(left, 0.01))
    message = f'the run was active for {duration_text(limit_s)}, its "limits.timeout"'
    if not control.ending:
        control.order_now(Stop("limit", "", message))
