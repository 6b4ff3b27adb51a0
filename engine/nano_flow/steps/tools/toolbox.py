"""The tools of one run: built-in ones, declared commands, and servers that live as long as the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from nano_flow.core.errors import StepError
from nano_flow.plan.plan import Plan, PlannedToolSource
from nano_flow.ports import ServerOrder, Tool, ToolServer
from nano_flow.steps.order import Names
from nano_flow.steps.tools.declared import DeclaredTool, Surroundings
from nano_flow.steps.tools.offered import usable
from nano_flow.steps.tools.settings import Settings

Builtin = Callable[[tuple[str, ...]], Tool]
"""Makes a built-in tool; it is given the allow-list that the workflow declares for it."""

StartServer = Callable[[ServerOrder], ToolServer]

_MOST_SERVERS = 64
"""Servers that one run starts: each item of a fan-out of sub-workflows could bring its own."""

_Key = tuple[object, ...]


@dataclass(slots=True)
class RunToolbox:
    """Finds tools by the names that a step lists; a server is started when a step first needs it."""

    builtin: Mapping[str, Builtin]
    start_server: StartServer
    around: Surroundings
    absent: bool = False
    """True where servers are only stood in for: nothing is looked up to give them, no variable need be set."""
    servers: dict[_Key, ToolServer] = field(default_factory=dict)

    async def tools(self, names: tuple[str, ...], plan: Plan, scope: Names) -> Mapping[str, Tool]:
        """See ``steps.context.Toolbox``."""
        found: dict[str, Tool] = {}
        for name in names:
            for tool in await self._find(name, plan, scope):
                found[tool.spec.name] = tool
        return found

    async def close(self) -> None:
        """Stop every server that was started, all at once."""
        servers = list(self.servers.values())
        self.servers.clear()
        await asyncio.gather(*(server.close() for server in servers))

    async def _find(self, name: str, plan: Plan, scope: Names) -> list[Tool]:
        head, _, member = name.partition(".")
        source = plan.tools.get(head)
        if source is not None and source.kind == "mcp":
            offered = await self._server(source, plan, scope).tools((member,) if member else None)
            return [usable(tool) for tool in offered]
        if source is not None and source.kind == "command":
            return [DeclaredTool(source, plan.inputs, scope, self.around)]
        make = self.builtin.get(name)
        if make is None:
            near = get_close_matches(name, [*self.builtin, *plan.tools], 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise StepError("tool", f'there is no tool "{name}"{hint}')
        return [make(source.allow if source is not None else ())]

    def _server(self, source: PlannedToolSource, plan: Plan, scope: Names) -> ToolServer:
        """The server of ``source`` with the settings of this scope; workflows do not share theirs."""
        around = self.around
        settings = Settings(source.name, source.where, around.environ, scope, around.render)
        real = source.from_file and not self.absent
        order = ServerOrder(
            name=source.name,
            workflow=plan.file,
            command=tuple(settings.filled(part) for part in source.command) if real else source.command,
            url=settings.filled(source.url) if real else source.url,
            env={} if self.absent else settings.all(source.env),
            headers={} if self.absent else settings.all(source.headers),
            workspace=source.cwd or around.workspace,
            timeout_s=source.timeout_s,
            disabled=source.disabled,
        )
        key = (plan.file, source.name, *sorted(order.env.items()), "|", *sorted(order.headers.items()))
        server = self.servers.get(key)
        if server is None:
            if len(self.servers) >= _MOST_SERVERS:
                raise StepError("tool", f"a run starts at most {_MOST_SERVERS} servers of tools")
            server = self.servers[key] = self.start_server(order)
        return server
