"""Tools, and servers of tools that live as long as a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nano_flow.core.messages import Json, ToolSpec


class Tool(Protocol):
    """One thing that an agent, or a ``tool`` step, may do."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON Schema of the arguments (already validated when ``call`` is called)."""

    @property
    def repeatable(self) -> bool:
        """True where a second call after a crash does no harm (reads); else it is never repeated silently."""

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """The key of what a call changes (a path), so that calls with one key run in order; None: nothing."""

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Do it. Raises ``StepError("tool", message)`` where it cannot; cancellation must stop it."""


@dataclass(frozen=True, slots=True)
class ServerOrder:
    """A server of tools as it is to be started: settings rendered, ``workflow`` the file that names it."""

    name: str
    workflow: str
    command: tuple[str, ...]
    url: str
    env: Mapping[str, str]
    headers: Mapping[str, str]
    workspace: str
    timeout_s: float | None = None
    """How long one call may take; None: as long as usual."""
    disabled: tuple[str, ...] = ()
    """Tools that it has and nobody is given."""


class ToolServer(Protocol):
    """A server of tools that lives as long as a run (MCP)."""

    async def tools(self, wanted: Sequence[str] | None = None) -> Sequence[Tool]:
        """Start it where it is not running; the tools that are wanted, by their names on the server, else all of them.

        The names of their specs are ``server.tool``. Raises StepError, of the class ``tool_changed`` where a tool is
        not what was accepted.
        """

    async def close(self) -> None:
        """Stop it and everything that it started."""
