"""How a kind of step is executed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nano_flow.core.outcomes import StepOutcome
from nano_flow.steps.context import Execution

ExecuteNow = Callable[[Execution], StepOutcome]


@dataclass(frozen=True, slots=True)
class Kind:
    """``slot``: holds one of ``max_parallel`` while it runs; ``leaf``: counts for ``limits.steps``.

    ``execute_now`` is there for kinds that only compute: they need no task.
    """

    execute: Callable[[Execution], Awaitable[StepOutcome]]
    slot: bool = False
    leaf: bool = True
    execute_now: ExecuteNow | None = None

    @property
    def immediate(self) -> bool:
        """True for a kind that never waits."""
        return self.execute_now is not None


def computed(execute_now: ExecuteNow) -> Kind:
    """A kind that only computes; other modifiers may still make its step wait."""

    async def execute(execution: Execution) -> StepOutcome:
        return execute_now(execution)

    return Kind(execute, execute_now=execute_now)
