"""An MCP server as long as a run needs it: started for the first step that wants it, stopped with the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nano_flow.core.errors import NanoFlowError, StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import duration_text
from nano_flow.ports import ServerOrder
from nano_flow.tools.mcp.listing import Offer, list_offers
from nano_flow.tools.mcp.pins import Change, Pins
from nano_flow.tools.mcp.results import plain_result, result_text
from nano_flow.tools.mcp.sdk import require_sdk, root_cause
from nano_flow.tools.processes.tree import ProcessTree

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client._transport import TransportStreams
    from mcp.types import CallToolResult

    from nano_flow.tools.mcp.stdio import Troubles

_ERROR = 2_000
_SHOWN = 500
"""Characters of a changed description that the error shows."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a server has to be ready, to answer one call, and to leave."""

    start_s: float = 60.0
    call_s: float = 300.0
    leave_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Connection:
    """A server that is ready."""

    client: Client
    offers: Mapping[str, Offer]


class McpServer:
    """One server; a task of its own holds the connection, because the SDK wants it opened and closed by one task."""

    def __init__(
        self,
        order: ServerOrder,
        pins: Pins,
        tree: ProcessTree,
        environ: Mapping[str, str],
        patience: Patience = Patience(),
    ) -> None:
        self._order = order
        self._pins = pins
        self._tree = tree
        self._environ = environ
        self.patience = patience
        self._ready: asyncio.Future[Connection] | None = None
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._troubles: Troubles | None = None

    async def tools(self, wanted: Sequence[str] | None = None) -> Sequence[McpTool]:
        """See ``ports.ToolServer``."""
        connection = await self.connection()
        name, offers = self._order.name, connection.offers
        for member in wanted or ():
            if member not in offers:
                known = ", ".join(offers) or "none"
                raise StepError("tool", f'the server "{name}" has no tool "{member}"; it has: {known}')
        chosen = list(offers) if wanted is None else list(wanted)
        said = {member: offer.said for member, offer in offers.items()}
        changes = await asyncio.to_thread(self._pins.check, self._order.workflow, name, said, chosen)
        if changes:
            raise StepError("tool_changed", _told(name, changes, offers))
        return [McpTool(self, member, offers[member]) for member in chosen]

    async def connection(self) -> Connection:
        """The connection; where the server is not there (any more), it is started."""
        if self._task is None or self._task.done():
            require_sdk(self._order.name)
            ready: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
            ready.add_done_callback(lambda future: future.cancelled() or future.exception())
            self._ready = ready
            self._leave = asyncio.Event()
            self._task = asyncio.create_task(self._live(ready, self._leave))
        assert self._ready is not None
        return await asyncio.shield(self._ready)

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
        return root_cause(error) + (self._troubles.text() if self._troubles is not None else "")

    async def _live(self, ready: asyncio.Future[Connection], leave: asyncio.Event) -> None:
        from mcp import Client

        name, patience = self._order.name, self.patience
        try:
            async with asyncio.timeout(patience.start_s) as start:
                async with Client(self._transport(), read_timeout_seconds=patience.call_s, cache=None) as client:
                    offers = await list_offers(name, client)
                    start.reschedule(None)
                    ready.set_result(Connection(client, offers))
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
            return http_streams(self._order, self.patience.call_s)
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
        troubles = self._troubles.text() if self._troubles is not None else ""
        waited = duration_text(self.patience.start_s)
        return f'the server "{self._order.name}" was not ready within {waited}{troubles}'

    @staticmethod
    def _fail(ready: asyncio.Future[Connection], error: StepError) -> None:
        if not ready.done():
            ready.set_exception(error)


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool of a server."""

    server: McpServer
    name: str
    offer: Offer

    @property
    def spec(self) -> ToolSpec:
        """As the server describes it, under ``server.tool``."""
        return self.offer.spec

    @property
    def repeatable(self) -> bool:
        """Where the server says that it only reads, or that twice is like once."""
        return self.offer.repeatable

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Calls of a tool that changes something run in order."""
        return None if self.offer.repeatable else f"mcp:{self.offer.spec.name}"

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Call it. Raises StepError where the server is gone, refuses, or answers what is no result."""
        connection = await self.server.connection()
        try:
            async with asyncio.timeout(self.server.patience.call_s):
                result = await _asked(connection.client, self.name, arguments)
        except TimeoutError:
            waited = duration_text(self.server.patience.call_s)
            raise StepError("tool", f'"{self.spec.name}" gave no answer within {waited}') from None
        except NanoFlowError:
            raise
        except Exception as error:
            raise StepError("tool", f'"{self.spec.name}" failed: {self.server.explain(error)}') from None
        if result.is_error:
            raise StepError("tool", result_text(result)[:_ERROR] or "the server reports an error without a text")
        return plain_result(result)


async def _asked(client: Client, name: str, arguments: Mapping[str, Json]) -> CallToolResult:
    """One call, without the SDK's look at the result's schema: that would search with patterns of the server's."""
    from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult

    parameters = CallToolRequestParams(name=name, arguments=dict(arguments))
    return await client.session.send_request(CallToolRequest(params=parameters), CallToolResult)


def _step_error(error: BaseException) -> StepError | None:
    """A StepError inside the groups that the SDK's tasks raise."""
    if isinstance(error, BaseExceptionGroup):
        found = (_step_error(inner) for inner in error.exceptions)
        return next((inner for inner in found if inner is not None), None)
    return error if isinstance(error, StepError) else None


def _told(server: str, changes: Sequence[Change], offers: Mapping[str, Offer]) -> str:
    first, more = changes[0], len(changes) - 1
    what = "is new" if first.what == ("new",) else f"has another {' and other '.join(first.what)} than was accepted"
    said = offers[first.tool].said
    shown = said.description if first.what != ("parameters",) else json.dumps(said.parameters)
    others = f" ({more} more changed)" if more else ""
    return (
        f'the tool "{server}.{first.tool}" {what}{others}; the server now says: {shown[:_SHOWN]!r}. '
        f'Nothing was called. If you trust it: "nano-flow tools accept {server}", then "nano-flow resume last"'
    )
