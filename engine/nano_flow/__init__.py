"""nano-flow: agent workflows in YAML; the library's public names, loaded when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nano_flow.library import (
        Where,
        arun,
        budget,
        execute_with_fallback,
        prompt_nano_agent,
        run,
        stream,
    )
    from nano_flow.project.preparing import RunOptions
    from nano_flow.results import AgentReply, RunResult, Spend, StepResult

__version__ = "0.1.0"

__all__ = [
    "AgentReply",
    "RunOptions",
    "RunResult",
    "Spend",
    "StepResult",
    "Where",
    "__version__",
    "arun",
    "budget",
    "execute_with_fallback",
    "prompt_nano_agent",
    "run",
    "stream",
]


_RESULTS = frozenset({"AgentReply", "RunResult", "Spend", "StepResult"})
"""What the library returns."""


def __getattr__(name: str) -> object:
    """Load the composition root only for who runs something: ``import nano_flow`` alone costs nothing."""
    if name in _RESULTS:
        return getattr(import_module("nano_flow.results"), name)
    if name in __all__:
        return getattr(import_module("nano_flow.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
