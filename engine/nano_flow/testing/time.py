"""Time that jumps: a loop on which an hour passes as soon as everybody waits for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TypeVar

from nano_flow.clock import SystemClock

T = TypeVar("T")
_START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when every rehearsal begins."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: it moves the clock instead, unless something real is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.busy = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; where nothing is, the clock moves to the next timer."""
        if self.busy or timeout is None:
            return super().select(0.001 if timeout is None or timeout > 0.001 else timeout)
        ready = super().select(0)
        if not ready and timeout > 0:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time; threads and processes that it waits for run in real time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Run in a thread; the clock stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.busy += 1
        future.add_done_callback(self._idle)
        return future

    def _idle(self, _: object) -> None:
        self._jumping.busy -= 1


class LoopClock(SystemClock):
    """The clock of the loop that is running."""

    def now(self) -> float:
        """Seconds since 1970 in the rehearsal's own time."""
        return _START + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()


def run_jumping(main: Coroutine[object, object, T]) -> T:
    """Run ``main`` on a loop of its own, in virtual time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
