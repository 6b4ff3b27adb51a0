"""What MCP servers said of their tools when they were accepted, and what they say now. No server is started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.operations.place import Place
from nano_flow.tools.mcp.pins import Entry, Pins


@dataclass(frozen=True, slots=True)
class KnownTool:
    """One tool of a server, as a workflow uses it: ``accepted``, ``changed`` or ``new``."""

    workflow: str
    tool: str
    state: str


def known_tools(place: Place) -> list[KnownTool]:
    """The tools that are known, and which of them changed."""
    return [
        KnownTool(entry.workflow, f"{entry.server}.{tool}", state)
        for entry in Pins(place.state).entries()
        for tool, state in _states(entry)
    ]


def accept_tools(place: Place, server: str, workflow: Path | None = None) -> Sequence[tuple[str, str]]:
    """Accept what ``server`` said of its tools when a run was stopped: (workflow, tool) of each. Raises UsageError."""
    pins = Pins(place.state)
    known = sorted({entry.server for entry in pins.entries()})
    if server not in known:
        raise UsageError(f'no server "{server}" is known here; there are: {", ".join(known) or "none"}')
    return pins.accept(server, None if workflow is None else str(workflow))


def _states(entry: Entry) -> list[tuple[str, str]]:
    changed = [(tool, "changed" if tool in entry.accepted else "new") for tool in entry.offered]
    return sorted([*changed, *((tool, "accepted") for tool in entry.accepted if tool not in entry.offered)])
