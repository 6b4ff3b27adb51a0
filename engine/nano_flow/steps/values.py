"""``set``, ``finish`` and ``fail``: steps that only compute."""

from __future__ import annotations

from nano_flow.core.outcomes import Ended, StepOutcome, Succeeded
from nano_flow.plan.plan import PlannedFinish, PlannedSet
from nano_flow.steps.context import Execution


def set_now(execution: Execution) -> StepOutcome:
    """Render the values."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedSet)
    return Succeeded({name: execution.render_value(value, execution.names) for name, value in spec.values.items()})


def end_now(execution: Execution) -> StepOutcome:
    """End the workflow that the step stands in."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedFinish)
    return Ended(spec.failed, execution.text(spec.message), execution.address)


async def execute_set(execution: Execution) -> StepOutcome:
    """``set_now``, for a step that other modifiers make wait."""
    return set_now(execution)


async def execute_end(execution: Execution) -> StepOutcome:
    """``end_now``, for a step that other modifiers make wait."""
    return end_now(execution)
