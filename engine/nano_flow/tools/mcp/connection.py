"""The connection to an MCP server: opened when it is first needed, and again where the server is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nano_flow.core.errors import StepError
from nano_flow.core.text import duration_text
from nano_flow.ports import ServerOrder
from nano_flow.tools.mcp.listing import Offer, list_offers
from nano_flow.tools.mcp.sdk import require_sdk, root_cause
from nano_flow.tools.processes.tree import ProcessTree

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client._transport import TransportStreams

    from nano_flow.tools.mcp.stdio import Troubles


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a server has to be ready, to answer one call, and to leave."""

    start_s: float = 60.0
    call_s: float = 300.0
    leave_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Connected:
    """A server that is ready."""

    client: Client
    offers: Mapping[str, Offer]


@dataclass(slots=True)
class Session:
    """The session that a server behind a URL gave us; ``lost`` once it answered that it knows none of that name."""

    lost: bool = False


_RESTARTS = 1
"""How often a server that has ended is started again for calls of a step that has begun."""


class Connection:
    """One server; a task of its own holds the connection, because the SDK wants it opened and closed by one task."""

    def __init__(self, order: ServerOrder, tree: ProcessTree, environ: Mapping[str, str], patience: Patience) -> None:
        self._order = order
        self._tree = tree
        self._environ = environ
        self.patience = patience
        self._ready: asyncio.Future[Connected] | None = None
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._troubles: Troubles | None = None
        self._restarts = 0
        self._session = Session()
        self._forgotten = False

    async def connected(self) -> Connected:
        """The server, ready; where the server is not there (any more), it is started."""
        if self._gone() and self._task is not None:
            await asyncio.wait([self._task])
        if self._task is None or self._task.done():
            require_sdk(self._order.name)
            self._troubles, self._forgotten = None, False
            ready: asyncio.Future[Connected] = asyncio.get_running_loop().create_future()
            ready.add_done_callback(lambda future: future.cancelled() or future.exception())
            self._ready = ready
            self._leave = asyncio.Event()
            self._task = asyncio.create_task(self._live(ready, self._leave))
        assert self._ready is not None
        return await asyncio.shield(self._ready)

    async def ready_for(self, member: str, accepted: Offer) -> Connected:
        """The server, for a call of a tool as it was accepted; one that has ended is started again, once.

        Raises StepError where it has ended for good, or offers another tool than was accepted.
        """
        if self._task is None or self._task.done() or self._gone():
            if self._restarts >= _RESTARTS:
                raise StepError("tool", f'the server "{self._order.name}" has ended{self.aside()}')
            self._restarts += 1
        connected = await self.connected()
        offer = connected.offers.get(member)
        if offer is None or offer.said != accepted.said:
            what = "is gone" if offer is None else "is another one"
            message = f'the tool "{self._order.name}.{member}" {what} since the server began anew; nothing was called'
            raise StepError("tool_changed", message)
        return connected

    def session_was_lost(self) -> bool:
        """Whether the server forgot our session; the next call then begins a new one."""
        if not self._session.lost:
            return False
        self._session.lost = False
        self._restarts -= 1  # it did not fail: it was deployed anew, perhaps often in a long run
        self._leave.set()
        self._forgotten = True
        return True

    def _gone(self) -> bool:
        """Whether a server of ours has ended, or does not know us any more; its connection is then about to end."""
        return self._forgotten or (self._troubles is not None and self._troubles.over.is_set())

    async def close(self) -> None:
        """Stop it and everything that it started."""
        task, self._task = self._task, None
        if task is None:
            return
        self._leave.set()
        done, _ = await asyncio.wait([task], timeout=self.patience.leave_s)
        if not done:
            task.cancel()
            await asyncio.wait([task])

    def explain(self, error: BaseException) -> str:
        """What went wrong, with what the server said on the side."""
        return root_cause(error) + self.aside()

    def aside(self) -> str:
        """What the server said on the side, as the end of a sentence."""
        return self._troubles.text() if self._troubles is not None else ""

    async def _live(self, ready: asyncio.Future[Connected], leave: asyncio.Event) -> None:
        from mcp import Client

        name, patience = self._order.name, self.patience
        try:
            async with asyncio.timeout(patience.start_s) as start:
                async with Client(self._transport(), read_timeout_seconds=patience.call_s, cache=None) as client:
                    offers = await list_offers(name, client)
                    start.reschedule(None)
                    ready.set_result(Connected(client, offers))
                    await self._until_over(leave)
        except TimeoutError:
            self._fail(ready, StepError("tool", self._late()))
        except asyncio.CancelledError:
            self._fail(ready, StepError("tool", f'the server "{name}" was stopped'))
            raise
        except StepError as error:
            self._fail(ready, error)
        except Exception as error:
            found = _step_error(error)
            self._fail(ready, found or StepError("tool", f'the server "{name}" failed: {self.explain(error)}'))

    def _transport(self) -> AbstractAsyncContextManager[TransportStreams]:
        from nano_flow.tools.mcp.http import http_streams
        from nano_flow.tools.mcp.stdio import Troubles, stdio_streams

        if self._order.url:
            return http_streams(self._order, self.patience.call_s, self._session)
        self._troubles = Troubles()
        return stdio_streams(self._order, self._environ, self._tree, self._troubles)

    async def _until_over(self, leave: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(leave.wait())]
        if self._troubles is not None:
            waits.append(asyncio.ensure_future(self._troubles.over.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _late(self) -> str:
        waited = duration_text(self.patience.start_s)
        return f'the server "{self._order.name}" was not ready within {waited}{self.aside()}'

    @staticmethod
    def _fail(ready: asyncio.Future[Connected], error: StepError) -> None:
        if not ready.done():
            ready.set_exception(error)


def _step_error(error: BaseException) -> StepError | None:
    """A StepError inside the groups that the SDK's tasks raise."""
    if isinstance(error, BaseExceptionGroup):
        found = (_step_error(inner) for inner in error.exceptions)
        return next((inner for inner in found if inner is not None), None)
    return error if isinstance(error, StepError) else None
