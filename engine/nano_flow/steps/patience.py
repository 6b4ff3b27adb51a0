"""How long a run stays when it can only wait: short times are slept, for long ones it saves itself and ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nano_flow.ports import Clock

NEAR_S = 15 * 60.0
"""What ends within this is waited for in the process."""

_LOOK_S = 0.1
_IDLE_LOOKS = 3
"""Looks in a row that see nothing at work before a run is idle: between two steps there is a moment without one."""


class Patience:
    """Knows what is at work in a run. ``endless`` where it stays however long it takes (``--wait``, tests)."""

    def __init__(self, *, endless: bool = False) -> None:
        self.endless = endless
        self._at_work = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Something goes on inside that ends by itself, and soon enough."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    @contextmanager
    def away(self) -> Iterator[None]:
        """What counted as at work only waits inside."""
        self._at_work -= 1
        try:
            yield
        finally:
            self._at_work += 1

    @property
    def busy(self) -> bool:
        """Whether the run has something to stay for."""
        return self.endless or self._at_work > 0

    def is_near(self, seconds: float) -> bool:
        """Whether a time of ``seconds`` is slept here."""
        return self.endless or seconds <= NEAR_S

    async def until(self, moment: float, clock: Clock) -> bool:
        """Come back at ``moment``; False, sooner, where it is far away and nothing else is left to do."""
        idle = 0
        while (left := moment - clock.now()) > 0:
            if self.is_near(left):
                with self.at_work():
                    await clock.sleep(left)
                return True
            idle = 0 if self.busy else idle + 1
            if idle >= _IDLE_LOOKS:
                return False
            await clock.sleep(_LOOK_S)
        return True
