"""A tool of an MCP server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nano_flow.core.errors import NanoFlowError, StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import duration_text
from nano_flow.core.trace import here
from nano_flow.tools.mcp.connection import Connection
from nano_flow.tools.mcp.listing import Offer
from nano_flow.tools.mcp.results import error_text, plain_result

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

_ERROR = 2_000


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool of a server."""

    connection: Connection
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
        """Call it. Raises StepError where the server is gone, refuses, or answers what is no result.

        A call that met a session which the server no longer knows is made once more in a new one: a server answers
        that before it does anything.
        """
        result = await self._answered(arguments) or await self._answered(arguments, last=True)
        assert result is not None
        if result.is_error:
            raise StepError("tool", error_text(result)[:_ERROR] or "the server reports an error without a text")
        return plain_result(result)

    async def _answered(self, arguments: Mapping[str, Json], *, last: bool = False) -> CallToolResult | None:
        """The answer; None where the session was lost, unless this is the ``last`` try. Raises StepError."""
        connected = await self.connection.ready_for(self.name, self.offer)
        try:
            async with asyncio.timeout(self.connection.patience.call_s):
                return await _asked(connected.client, self.name, arguments)
        except TimeoutError:
            waited = duration_text(self.connection.patience.call_s)
            aside = self.connection.aside()
            raise StepError("tool", f'"{self.spec.name}" gave no answer within {waited}{aside}') from None
        except NanoFlowError:
            raise
        except Exception as error:
            if self.connection.session_was_lost() and not last:
                return None
            raise StepError("tool", f'"{self.spec.name}" failed: {self.connection.explain(error)}') from None


async def _asked(client: Client, name: str, arguments: Mapping[str, Json]) -> CallToolResult:
    """One call, without the SDK's look at the result's schema: that would search with patterns of the server's."""
    from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, RequestParamsMeta

    trace = here()
    meta = RequestParamsMeta(traceparent=trace) if trace else None  # type: ignore[typeddict-unknown-key]
    parameters = CallToolRequestParams(name=name, arguments=dict(arguments), _meta=meta)
    return await client.session.send_request(CallToolRequest(params=parameters), CallToolResult)
