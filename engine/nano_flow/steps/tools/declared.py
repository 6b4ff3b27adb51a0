"""Declared tools: commands that a workflow offers to its agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import as_text, duration_text
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.plan import PlannedInput, PlannedToolSource
from nano_flow.ports import Clock, Commands
from nano_flow.source.expressions import Template
from nano_flow.steps.beside import output_of
from nano_flow.steps.order import Names
from nano_flow.steps.output import OutputBroken
from nano_flow.steps.tools.commands import render_command
from nano_flow.steps.tools.options import inputs_schema, refuse_options, refuse_options_by_input
from nano_flow.steps.tools.settings import Settings

_STDERR_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What declared tools run in."""

    commands: Commands
    render: Callable[[Template, Names], Json]
    environ: Mapping[str, str]
    workspace: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A command that a workflow offers as a tool; its arguments reach it as arguments, environment or input."""

    source: PlannedToolSource
    inputs: Mapping[str, PlannedInput]
    names: Names
    around: Surroundings

    @property
    def spec(self) -> ToolSpec:
        """As declared."""
        return ToolSpec(self.source.name, self.source.description, self.source.parameters)

    @property
    def repeatable(self) -> bool:
        """Nobody knows what a command does, so it is not repeated silently."""
        return False

    @property
    def simulated(self) -> bool:
        """True where nothing is started."""
        return getattr(self.around.commands, "simulated", False)

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Calls of one declared tool run in order: they may well write the same thing."""
        return f"tool:{self.source.name}"

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Run it; a non-zero exit is an error for the model to read."""
        spec, around = self.source.run, self.around
        assert isinstance(spec, PlannedRun)
        names = {**self.names, "args": dict(arguments)}
        settings = Settings(self.source.name, self.source.where, around.environ, names, around.render)
        call = render_command(
            spec,
            lambda template: around.render(template, names),
            around.commands,
            around.environ,
            around.workspace,
            lambda template: settings.value(template.source),
        )
        schemas: Mapping[str, Json] = {"args": dict(self.source.parameters), "inputs": inputs_schema(self.inputs)}
        refuse_options(spec, call.argv, schemas, "tool")
        refuse_options_by_input(spec, call.stdin, "tool")
        limit = self.source.timeout_s
        try:
            async with around.clock.timeout(limit):
                result = await call.call({})
        except TimeoutError:
            raise StepError("timeout", f'"{self.source.name}" did not end within {duration_text(limit or 0)}') from None
        assert isinstance(result, dict)
        if result["exit_code"] != 0:
            said = as_text(result["stderr"]).strip()[-_STDERR_SHOWN:]
            raise StepError("command", f"exit code {result['exit_code']}" + (f": {said}" if said else ""))
        size = _size_beyond(result)
        if size:
            message = (
                f'"{self.source.name}" printed {size:,} bytes, more than is kept; let it print less, or write a file'
            )
            raise OutputLimit(message, as_text(result["stdout"]))
        return await _output(spec, as_text(result["stdout"]))


def _size_beyond(result: Mapping[str, Json]) -> int:
    """Bytes of a stdout that was not kept whole; 0 where it was."""
    sizes = result.get("sizes")
    size = sizes.get("stdout") if isinstance(sizes, dict) else None
    return size if isinstance(size, int) else 0


async def _output(spec: PlannedRun, stdout: str) -> Json:
    if spec.output_schema is None:
        return stdout.removesuffix("\n")
    try:
        return await output_of(stdout, spec.output_schema)
    except OutputBroken as error:
        raise StepError("schema", f"stdout: {error}") from None
