"""A run that is taken over only to be cancelled: the past is read back, nothing new begins, then its handlers run."""

from __future__ import annotations

import asyncio

from nano_flow.ports import Clock
from nano_flow.runtime.limits import Control, Stop

_SETTLE_S = 0.3
"""After the first step that has nothing recorded: what runs beside it reads its own past meanwhile."""


class Takeover:
    """Holds up whoever is about to do something new, until the run is cancelled; its handlers then work freely."""

    def __init__(self) -> None:
        self._over = False
        self._reached = asyncio.Event()

    async def __call__(self) -> None:
        """Wait here for the end; called before anything that no earlier life had done."""
        if self._over:
            return
        self._reached.set()
        await asyncio.Future[None]()

    async def cancel(self, control: Control, clock: Clock) -> None:
        """Cancel the run once its past has been read back."""
        await self._reached.wait()
        await clock.sleep(_SETTLE_S)
        self._over = True
        control.order_now(Stop("cancelled", "", 'the run was cancelled with "nano-flow runs cancel"'))
