"""What bounds a run, and a sub-workflow inside it: slots, the number of steps, active time, the order to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nano_flow.core.calls import CallFinished, ToolCalled
from nano_flow.core.errors import LimitReached
from nano_flow.core.outcomes import StopReason
from nano_flow.core.refs import ROOT, Address
from nano_flow.core.text import duration_text
from nano_flow.ports import Clock, RecordedWork


class Slots:
    """At most ``limit`` prompts, commands and tools at a time; tells when the run is active.

    Those of a sub-workflow stand inside ``outer``, the slots around it: a slot of its own is taken first. What waits
    for an outer slot holds none that an outer step could wait for.
    """

    __slots__ = ("_active", "_clock", "_free", "_outer", "_since", "_spent", "limit")

    def __init__(self, limit: int, clock: Clock, already_active_s: float = 0.0, *, outer: Slots | None = None) -> None:
        self.limit: int = limit if outer is None else min(limit, outer.limit)
        self._free = asyncio.Semaphore(limit)
        self._outer = outer
        self._clock = clock
        self._active = 0
        self._since = 0.0
        self._spent = already_active_s

    async def __aenter__(self) -> None:
        await self._free.acquire()
        if self._outer is not None:
            try:
                await self._outer.__aenter__()
            except BaseException:
                self._free.release()
                raise
        self._active += 1
        if self._active == 1:
            self._since = self._clock.monotonic()

    async def __aexit__(self, *_: object) -> None:
        self._active -= 1
        if self._active == 0:
            self._spent += self._clock.monotonic() - self._since
        if self._outer is not None:
            await self._outer.__aexit__()
        self._free.release()

    @property
    def active_s(self) -> float:
        """Seconds during which at least one slot was held, earlier lives of the run included."""
        running = self._clock.monotonic() - self._since if self._active else 0.0
        return self._spent + running


@dataclass(slots=True)
class StepCount:
    """Counts started leaf steps up to ``limits.steps``; one of a sub-workflow counts in ``outer`` too."""

    limit: int
    started: int = 0
    scope: Address = ROOT
    """The step that runs the sub-workflow whose bound it is."""
    outer: StepCount | None = None

    def check(self, more: int) -> None:
        """LimitReached where ``more`` steps would be too many."""
        if self.started + more > self.limit:
            raise LimitReached(
                "limits.steps",
                f'{self.started} steps {_of(self.scope)}have started and {more} more are due, "limits.steps" is '
                f'{self.limit}: raise it, or make the list shorter, then "nano-flow resume last"',
                self.scope,
            )
        if self.outer is not None:
            self.outer.check(more)

    def add(self) -> None:
        """One more leaf step starts."""
        if self.started >= self.limit:
            self.check(1)
        if self.outer is not None:
            self.outer.add()
        self.started += 1

    @property
    def left(self) -> int:
        """How many more may start."""
        own = max(0, self.limit - self.started)
        return own if self.outer is None else min(own, self.outer.left)

    def took(self, more: int) -> None:
        """Another process started ``more`` of them."""
        self.started += more
        if self.outer is not None:
            self.outer.took(more)


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


async def watch_active_time(slots: Slots, limit_s: float, clock: Clock, end: Callable[[], None]) -> None:
    """Call ``end`` once the slots were held for ``limit_s``; waiting and paused time does not count."""
    while (left := limit_s - slots.active_s) > 0:
        await clock.sleep(max(left, 0.01))
    end()


@asynccontextmanager
async def active_timeout(slots: Slots, limit_s: float | None, clock: Clock, scope: Address) -> AsyncIterator[None]:
    """End the block, by LimitReached, once the slots of the sub-workflow at ``scope`` were held for ``limit_s``."""
    if limit_s is None:
        yield
        return
    try:
        async with asyncio.timeout(None) as deadline:
            loop = asyncio.get_running_loop()
            over = watch_active_time(slots, limit_s, clock, lambda: deadline.reschedule(loop.time()))
            watcher = loop.create_task(over)
            try:
                yield
            finally:
                watcher.cancel()
    except TimeoutError:
        if not deadline.expired():
            raise
        message = f'the sub-workflow was active for {duration_text(limit_s)}, its "limits.timeout"'
        raise LimitReached("limits.timeout", message, scope) from None


def active_before(recorded: RecordedWork, address: Address) -> float:
    """Seconds in which earlier lives of the run worked below ``address``; what ran side by side counts once."""
    inside = f"{address}."
    work: Iterable[CallFinished | ToolCalled] = (*recorded.calls.values(), *recorded.tools.values())
    spans = sorted((done.at - done.duration_s, done.at) for done in work if done.address.startswith(inside))
    total, until = 0.0, 0.0
    for begin, end in spans:
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


def _of(scope: Address) -> str:
    return f'of "{scope}" ' if scope else ""
