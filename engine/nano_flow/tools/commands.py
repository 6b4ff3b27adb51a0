"""``run_command``: programs of the allow-list, without a shell, in the workspace."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.ports import Commands
from nano_flow.tools.files.workspace import Workspace

INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "TERM")
"""Variables of nano-flow's own environment that a command sees."""

DEADLINE_S = 600.0
"""For one command, where the step has no shorter timeout."""

_WORD: dict[str, Json] = {"type": "string"}
_COMMAND: dict[str, Json] = {
    "type": "array",
    "items": _WORD,
    "minItems": 1,
    "maxItems": 1_000,
    "description": 'The program and its arguments, one item each: ["git", "status"]; there is no shell',
}
_CWD: dict[str, Json] = {"type": "string", "description": "The folder to run in, inside the workspace"}
_STDIN: dict[str, Json] = {"type": "string", "description": "What the command reads"}


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Commands whose first words are listed."""

    allow: tuple[str, ...]
    commands: Commands
    workspace: Workspace
    environ: Mapping[str, str]
    deadline_s: float = DEADLINE_S

    @property
    def spec(self) -> ToolSpec:
        """The description names the programs, so that a model need not guess."""
        description = f"Run a command in the workspace; allowed: {', '.join(self.allow) or 'nothing'}"
        properties: dict[str, Json] = {"command": _COMMAND, "cwd": _CWD, "stdin": _STDIN}
        return ToolSpec(
            "run_command",
            description,
            {"type": "object", "properties": properties, "required": ["command"], "additionalProperties": False},
        )

    @property
    def repeatable(self) -> bool:
        """Nobody knows what a command does."""
        return False

    @property
    def simulated(self) -> bool:
        """True where nothing is started."""
        return getattr(self.commands, "simulated", False)

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Commands of one turn run in order: they may well write the same thing."""
        return "command:"

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Run it to its end; a non-zero exit is a result. Raises StepError where it is not allowed or cannot start."""
        given, stdin = arguments["command"], arguments.get("stdin")
        argv = [str(word) for word in given] if isinstance(given, list) else []
        self._check(argv)
        environment = {name: self.environ[name] for name in INHERITED if name in self.environ}
        program = _found(argv[0], environment.get("PATH", os.defpath))
        cwd = os.path.join(self.workspace.root, self.workspace.relative(str(arguments.get("cwd") or ".")))
        try:
            async with asyncio.timeout(self.deadline_s):
                result = await self.commands.run(
                    [program, *argv[1:]], env=environment, cwd=cwd, stdin=stdin if isinstance(stdin, str) else None
                )
        except TimeoutError:
            raise StepError("tool", f'"{argv[0]}" did not end within {self.deadline_s:g} seconds') from None
        shown: dict[str, Json] = {"exit_code": result.exit_code, "stdout": result.stdout, "stderr": result.stderr}
        if result.cut:
            raise OutputLimit(f'"{argv[0]}" printed more than is kept: {result.cut}', shown)
        return shown

    def _check(self, argv: list[str]) -> None:
        if not any(argv[: len(words)] == words for entry in self.allow if (words := entry.split())):
            shown = " ".join(argv)[:100]
            raise StepError("tool", f'"{shown}" is not in the allow-list: {", ".join(self.allow) or "nothing"}')


def _found(program: str, path: str) -> str:
    """A program by its name, looked up in absolute folders only: a file in the workspace is never meant by a name."""
    if os.sep in program:
        return program
    folders = os.pathsep.join(folder for folder in path.split(os.pathsep) if os.path.isabs(folder))
    found = shutil.which(program, path=folders)
    if found is None:
        raise StepError("tool", f'"{program}" was not found')
    return found
