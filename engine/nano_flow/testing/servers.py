"""Servers that a rehearsal does not start: the tools that the workflow names exist, and only scripts answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nano_flow.core.messages import ToolSpec
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.tool import PlannedTool
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_step
from nano_flow.ports import ServerOrder, Tool
from nano_flow.testing.doubles import AbsentTool


@dataclass(frozen=True, slots=True)
class AbsentServers:
    """Makes the stand-ins of servers; ``scripted`` are tools that a case has results of."""

    plan: Plan
    scripted: tuple[str, ...] = ()

    def start(self, source: ServerOrder) -> AbsentServer:
        """The stand-in of one server."""
        mine = f"{source.name}."
        members = {name.removeprefix(mine) for name in self.scripted if name.startswith(mine)}
        for _, step in every_step(self.plan.graph):
            spec = step.spec
            names = (
                spec.tools if isinstance(spec, PlannedPrompt) else (spec.tool,) if isinstance(spec, PlannedTool) else ()
            )
            members |= {n.partition(".")[2] for n in names if n.startswith(mine)}
        return AbsentServer(source.name, tuple(sorted(members)))


@dataclass(frozen=True, slots=True)
class AbsentServer:
    name: str
    members: tuple[str, ...]

    async def tools(self, wanted: Sequence[str] | None = None) -> list[Tool]:
        """A tool for each member that is named, open to any arguments."""
        members = self.members if wanted is None else wanted
        return [AbsentTool(ToolSpec(f"{self.name}.{member}", "", {"type": "object"})) for member in members]

    async def close(self) -> None:
        """Nothing was started."""
