"""What stands in for the web, and for commands, where nothing may be sent or started."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.ports import Capture, CommandResult
from nano_flow.ports.commands import WHOLE
from nano_flow.tools.http import HttpGet
from nano_flow.tools.web.urls import AllowList, read_target


@dataclass(frozen=True, slots=True)
class SimulatedHttpGet:
    """``http_get`` without a request: refuses what it can without asking for a name, answers the rest."""

    allow: tuple[str, ...]
    repeatable: bool = True
    simulated: bool = True

    @property
    def spec(self) -> ToolSpec:
        """As models know it."""
        return HttpGet(self.allow).spec

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Nothing."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Raises StepError where the real one would not send the request either."""
        target, allowed = read_target(str(arguments["url"])), AllowList(self.allow)
        allowed.check(target)
        why = "" if target.literal is None else allowed.why_not(target, target.literal)
        if why:
            raise StepError("tool", f'"{target.authority}" is refused: its address is {why}')
        text = "simulated result of http_get"
        return {"status": 200, "url": str(target), "content_type": "text/plain", "text": text}


class SimulatedCommands:
    """Starts nothing; every command says what it would have been, and ends well."""

    simulated = True

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: str | None = None,
        capture: Capture = WHOLE,
    ) -> CommandResult:
        """See ``ports.Commands``."""
        said = "" if capture.side == "none" else f"simulated result of {shlex.join(argv)}"
        return CommandResult(said, "", 0)
