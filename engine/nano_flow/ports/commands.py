"""What starts commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended; ``sizes`` names the streams of which not everything was kept, and their bytes in all."""

    stdout: str
    stderr: str
    exit_code: int
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def cut(self) -> str:
        """Which streams are not whole, in words; empty where both are."""
        return " and ".join(f"{size:,} bytes of {stream}" for stream, size in self.sizes.items())


@dataclass(frozen=True, slots=True)
class Capture:
    """How much of stdout, and of stderr, is kept: ``most`` bytes of both ends, of one of them, or nothing."""

    most: int = 1_048_576
    side: Literal["both", "head", "tail", "none"] = "both"


WHOLE = Capture()


Tell = Callable[[str, str], None]
"""Told of whole lines that a command prints while it runs: the stream, and the text."""


def telling(commands: Commands, tell: Tell) -> Commands:
    """``commands``, telling of what they print while they run, where they can."""
    make = getattr(commands, "telling", None)
    told: Commands = commands if make is None else make(tell)
    return told


class Commands(Protocol):
    """Starts commands of this machine."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: str | None = None,
        capture: Capture = WHOLE,
    ) -> CommandResult:
        """Run a command to its end, without a shell, with exactly ``env``; no stdin is an empty one.

        When this returns, raises or is cancelled, nothing that the command started is alive. Raises
        ``StepError("command", …)`` where it cannot be started.
        """
