"""What a server does besides answering: it keeps workers alive, and looks at what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from nano_flow.core.errors import NanoFlowError
from nano_flow.operations.place import Place
from nano_flow.operations.service.processes import WorkerProcesses
from nano_flow.operations.service.timed import Timed

_LOOK_SECONDS = 1.0


class Helpers:
    """Begins and ends with the server; what goes wrong is told once, and does not end it."""

    def __init__(self, place: Place, workers: int, tell: Callable[[str], None]) -> None:
        self._workers = WorkerProcesses(place, workers)
        self._timed = Timed(place, tell)
        self._tell = tell
        self._told = ""
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Helpers:
        self._tasks = [asyncio.create_task(self._workers.run()), asyncio.create_task(self._look())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._workers.close()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _look(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._timed.look)
                self._told = ""
            except NanoFlowError as error:
                if str(error) != self._told:
                    self._told = str(error)
                    self._tell(f"warning: {error}")
            await asyncio.sleep(_LOOK_SECONDS)
