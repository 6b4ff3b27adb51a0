"""An MCP server as long as a run needs it: started for the first step that wants it, stopped with the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nano_flow.core.errors import StepError
from nano_flow.ports import ServerOrder
from nano_flow.tools.mcp.connection import Connection, Patience
from nano_flow.tools.mcp.listing import Offer
from nano_flow.tools.mcp.pins import Change, Pins
from nano_flow.tools.mcp.tool import McpTool
from nano_flow.tools.processes.tree import ProcessTree

_SHOWN = 500
"""Characters of a changed description that the error shows."""


class McpServer:
    """The tools of one server, as they were accepted."""

    def __init__(
        self,
        order: ServerOrder,
        pins: Pins,
        tree: ProcessTree,
        environ: Mapping[str, str],
        patience: Patience | None = None,
    ) -> None:
        self._order = order
        self._pins = pins
        usual = patience or Patience()
        limit = order.timeout_s
        own = usual if limit is None else replace(usual, call_s=limit, start_s=max(usual.start_s, limit))
        self._connection = Connection(order, tree, environ, own)

    async def tools(self, wanted: Sequence[str] | None = None) -> Sequence[McpTool]:
        """See ``ports.ToolServer``."""
        connected = await self._connection.connected()
        name, offers = self._order.name, connected.offers
        for member in wanted or ():
            if member not in offers:
                known = ", ".join(offers) or "none"
                raise StepError("tool", f'the server "{name}" has no tool "{member}"; it has: {known}')
        off = set(self._order.disabled)
        chosen = [member for member in (offers if wanted is None else wanted) if member not in off]
        said = {member: offer.said for member, offer in offers.items()}
        outputs = {member: dict(schema) for member, offer in offers.items() if (schema := offer.output_schema)}
        changes = await asyncio.to_thread(self._pins.check, self._order.workflow, name, said, chosen, outputs)
        if changes:
            raise StepError("tool_changed", _told(name, changes, offers))
        return [McpTool(self._connection, member, offers[member]) for member in chosen]

    async def close(self) -> None:
        """Stop it and everything that it started."""
        await self._connection.close()


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
