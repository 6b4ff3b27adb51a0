"""Commands of a workflow: values reach them as arguments, environment and input, never as program text."""

from __future__ import annotations

import os.path
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nano_flow.core.errors import StepError
from nano_flow.core.events import CommandPrinted, ToolCalled
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.text import as_text
from nano_flow.plan.kinds.run import DEFAULT_SHELL, PlannedRun
from nano_flow.ports import WHOLE, Capture, CommandResult, Commands
from nano_flow.ports.commands import telling
from nano_flow.source.expressions import Template
from nano_flow.steps.context import Execution
from nano_flow.steps.order import Names
from nano_flow.steps.tools.calls import run_tool, tool_fingerprint
from nano_flow.steps.tools.options import inputs_schema, refuse_options, refuse_options_by_input

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "TERM")
"""Variables of nano-flow's own environment that a command sees."""


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A rendered command, as a tool of one call; so it is recorded and replayed like any other."""

    commands: Commands
    argv: tuple[str, ...]
    env: Mapping[str, str]
    inherited: Mapping[str, str]
    cwd: str
    stdin: str | None
    capture: Capture = WHOLE

    def asked(self, root: str | None = None) -> dict[str, Json]:
        """What the call consists of; what it inherits is no part of it. Its folder is told below ``root``."""
        cwd = self.cwd if root is None else os.path.relpath(self.cwd, os.path.realpath(root))
        return {"argv": list(self.argv), "env": dict(self.env), "cwd": cwd, "stdin": self.stdin}

    @property
    def spec(self) -> ToolSpec:
        """A command has no parameters beyond its rendered self."""
        return ToolSpec("run", "", {})

    @property
    def repeatable(self) -> bool:
        """A command that a crash interrupted is started again: its author decides whether it may be."""
        return True

    @property
    def simulated(self) -> bool:
        """True where nothing is started."""
        return getattr(self.commands, "simulated", False)

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Unknown."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Run it to its end; a non-zero exit is a result like any other."""
        result = await self.commands.run(
            self.argv, env={**self.inherited, **self.env}, cwd=self.cwd, stdin=self.stdin, capture=self.capture
        )
        sizes: dict[str, Json] = {"sizes": dict(result.sizes)} if result.sizes else {}
        return {"stdout": result.stdout, "stderr": result.stderr, "exit_code": result.exit_code, **sizes}


def _exited_well(called: ToolCalled) -> bool:
    return not called.error and isinstance(called.result, dict) and called.result.get("exit_code") == 0


def render_command(
    spec: PlannedRun,
    value: Callable[[Template], Json],
    commands: Commands,
    environ: Mapping[str, str],
    workspace: str,
    env_value: Callable[[Template], Json] | None = None,
) -> CommandCall:
    """The command that ``spec`` describes: its templates rendered by ``value``, those of ``env`` by ``env_value``.

    A variable whose value is null is not set, not even where nano-flow's own environment has it.
    Raises StepError where its folder lies outside the workspace.
    """

    def text(template: Template) -> str:
        return as_text(value(template))

    argv = tuple(text(part) for part in spec.argv) if spec.script is None else (*_shell(spec, environ), spec.script)
    values = {name: (env_value or value)(written) if written else None for name, written in spec.env.items()}
    given = {name: as_text(known) for name, known in values.items() if known is not None}
    inherited = {name: environ[name] for name in _INHERITED if name in environ and name not in values}
    cwd = workspace if spec.cwd is None else _folder(workspace, text(spec.cwd))
    stdin = text(spec.stdin) if spec.stdin is not None else None
    return CommandCall(commands, argv, given, inherited, cwd, stdin, _capture(spec))


def _capture(spec: PlannedRun) -> Capture:
    return Capture(spec.max_output or WHOLE.most, spec.capture or WHOLE.side)


def _shell(spec: PlannedRun, environ: Mapping[str, str]) -> tuple[str, ...]:
    if spec.shell == DEFAULT_SHELL and shutil.which("bash", path=environ.get("PATH")) is None:
        return ("sh", "-eu", "-c")
    return spec.shell


def _folder(workspace: str, cwd: str) -> str:
    root = os.path.realpath(workspace)
    folder = os.path.realpath(os.path.join(root, cwd))
    if os.path.commonpath((root, folder)) != root:
        raise StepError("command", f'the folder "{cwd}" is outside the workspace')
    return folder


async def run_command(execution: Execution, spec: PlannedRun, names: Names, key: tuple[int, str]) -> CommandResult:
    """Render a command, run it, return how it ended; one that exited with 0 is not run again by a resume.

    Raises StepError where it cannot be started.
    """
    services = execution.services

    def tell(stream: str, text: str) -> None:
        services.emit(CommandPrinted(services.clock.now(), execution.address, stream, text))

    call = render_command(
        spec,
        lambda template: execution.render(template, names),
        telling(services.commands, tell),
        services.environ,
        execution.plan.workspace,
    )
    refuse_options(spec, call.argv, {"inputs": inputs_schema(execution.plan.inputs)}, "command")
    refuse_options_by_input(spec, call.stdin, "command")
    root = execution.plan.workspace
    older = tool_fingerprint("run", call.asked())  # of versions whose folder was absolute
    result = await run_tool(execution, call, call.asked(root), key, _exited_well, (older,))
    if not isinstance(result, dict):
        raise StepError("command", "a recorded result of this command cannot be read")
    sizes = result.get("sizes")
    cut = {name: int(as_text(size)) for name, size in sizes.items()} if isinstance(sizes, dict) else {}
    return CommandResult(str(result["stdout"]), str(result["stderr"]), int(as_text(result["exit_code"])), cut)
