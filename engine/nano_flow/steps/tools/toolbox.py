"""The tools of one run: built-in ones, declared commands, and servers that live as long as the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import as_text
from nano_flow.plan.plan import PlannedRun, PlannedToolSource
from nano_flow.ports import Commands, Tool, ToolServer
from nano_flow.source.expressions import Template
from nano_flow.steps.context import Names
from nano_flow.steps.tools.commands import CommandCall, render_command

Builtin = Callable[[tuple[str, ...]], Tool]
"""Makes a built-in tool; it is given the allow-list that the workflow declares for it."""

StartServer = Callable[[PlannedToolSource], ToolServer]

MODEL_NAME_SEPARATOR = "__"
"""Between server and tool in names that models see: providers admit no dot."""


@dataclass(slots=True)
class RunToolbox:
    """Finds tools by the names that a step lists; a server is started when a step first needs it."""

    builtin: Mapping[str, Builtin]
    start_server: StartServer
    commands: Commands
    render: Callable[[Template, Names], Json]
    environ: Mapping[str, str]
    workspace: str
    names: Names
    servers: dict[str, ToolServer] = field(default_factory=dict)

    async def tools(self, names: tuple[str, ...], declared: Mapping[str, PlannedToolSource]) -> Mapping[str, Tool]:
        """See ``steps.context.Toolbox``."""
        found: dict[str, Tool] = {}
        for name in names:
            for tool in await self._find(name, declared):
                found[tool.spec.name] = tool
        return found

    async def close(self) -> None:
        """Stop every server that was started."""
        for server in self.servers.values():
            await server.close()
        self.servers.clear()

    async def _find(self, name: str, declared: Mapping[str, PlannedToolSource]) -> list[Tool]:
        head, _, member = name.partition(".")
        source = declared.get(head)
        if source is not None and source.kind == "mcp":
            return await self._served(source, member)
        if source is not None and source.kind == "command":
            return [DeclaredTool(source, self)]
        make = self.builtin.get(name)
        if make is None:
            near = get_close_matches(name, [*self.builtin, *declared], 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise StepError("tool", f'there is no tool "{name}"{hint}')
        return [make(source.allow if source is not None else ())]

    async def _served(self, source: PlannedToolSource, member: str) -> list[Tool]:
        server = self.servers.get(source.name)
        if server is None:
            server = self.servers[source.name] = self.start_server(source)
        offered = await server.tools()
        if not member:
            return list(offered)
        wanted = f"{source.name}{MODEL_NAME_SEPARATOR}{member}"
        chosen = [tool for tool in offered if tool.spec.name == wanted]
        if not chosen:
            known = ", ".join(tool.spec.name.partition(MODEL_NAME_SEPARATOR)[2] for tool in offered)
            raise StepError("tool", f'the server "{source.name}" has no tool "{member}"; it has: {known}')
        return chosen


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A command that a workflow offers as a tool; its arguments reach it as arguments, environment or input."""

    source: PlannedToolSource
    box: RunToolbox

    @property
    def spec(self) -> ToolSpec:
        """As declared."""
        return ToolSpec(self.source.name, self.source.description, self.source.parameters)

    @property
    def repeatable(self) -> bool:
        """Nobody knows what a command does, so it is not repeated silently."""
        return False

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Calls of one declared tool run in order: they may well write the same thing."""
        return f"tool:{self.source.name}"

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Run it; a non-zero exit is an error for the model to read."""
        spec = self.source.run
        assert isinstance(spec, PlannedRun)
        box = self.box
        names = {**box.names, "args": dict(arguments)}
        call: CommandCall = render_command(
            spec, lambda template: as_text(box.render(template, names)), box.commands, box.environ, box.workspace
        )
        result = await call.call({})
        assert isinstance(result, dict)
        if result["exit_code"] != 0:
            said = as_text(result["stderr"]).strip()[-2_000:]
            raise StepError("command", f"exit code {result['exit_code']}" + (f": {said}" if said else ""))
        return as_text(result["stdout"]).removesuffix("\n")
