"""An MCP server that is not started: its tools answer as their results were described when it last was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Json, ToolSpec
from nano_flow.ports import ServerOrder
from nano_flow.tools.mcp.pins import Pins

MakeResult = Callable[[str, Mapping[str, Json]], Json]
"""A value for the tool of a name by the schema of its results."""


@dataclass(frozen=True, slots=True)
class SimulatedTool:
    """One tool; ``results`` is the schema of what it returns, None where nobody knows."""

    name: str
    results: Mapping[str, Json] | None
    make: MakeResult
    repeatable: bool = True
    simulated: bool = True

    @property
    def spec(self) -> ToolSpec:
        """Open to any arguments: only the server could judge them."""
        return ToolSpec(self.name, "Simulated", {"type": "object"})

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Nothing."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """A value, without what servers wrap around one that is no mapping."""
        if self.results is None:
            return f"simulated result of {self.name}"
        value = self.make(self.name, self.results)
        return value["result"] if isinstance(value, dict) and value.keys() == {"result"} else value


@dataclass(frozen=True, slots=True)
class SimulatedServer:
    """Stands in for the server of ``order``; it has the tools that are asked for, else those that are known."""

    order: ServerOrder
    pins: Pins
    make: MakeResult

    async def tools(self, wanted: Sequence[str] | None = None) -> list[SimulatedTool]:
        """See ``ports.ToolServer``."""
        name = self.order.name
        known = await asyncio.to_thread(self.pins.outputs, self.order.workflow, name)
        off = set(self.order.disabled)
        members = [member for member in (known if wanted is None else wanted) if member not in off]
        schemas = {member: schema for member, schema in known.items() if isinstance(schema, dict)}
        return [SimulatedTool(f"{name}.{member}", schemas.get(member), self.make) for member in members]

    async def close(self) -> None:
        """Nothing was started."""
