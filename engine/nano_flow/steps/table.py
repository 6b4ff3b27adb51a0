"""Every kind of step of the language, and how it is executed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nano_flow.core.outcomes import StepOutcome
from nano_flow.steps import agent, approve, composite, run, tool, values, wait
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


KINDS: dict[str, Kind] = {
    "prompt": Kind(agent.execute, slot=True),
    "run": Kind(run.execute, slot=True),
    "tool": Kind(tool.execute, slot=True),
    "workflow": Kind(composite.execute_workflow, leaf=False),
    "set": Kind(values.execute_set, execute_now=values.set_now),
    "approve": Kind(approve.execute),
    "switch": Kind(composite.execute_switch, leaf=False),
    "steps": Kind(composite.execute_group, leaf=False),
    "wait": Kind(wait.execute),
    "finish": Kind(values.execute_end, execute_now=values.end_now),
    "fail": Kind(values.execute_end, execute_now=values.end_now),
}
