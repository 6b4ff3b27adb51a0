"""What starts commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended; output beyond the cap is cut and ends with a note that says so."""

    stdout: str
    stderr: str
    exit_code: int


class Commands(Protocol):
    """Starts commands of this machine."""

    async def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, stdin: str | None = None
    ) -> CommandResult:
        """Run a command to its end, without a shell, with exactly ``env``; no stdin is an empty one.

        When this returns, raises or is cancelled, nothing that the command started is alive. Raises
        ``StepError("command", …)`` where it cannot be started.
        """
