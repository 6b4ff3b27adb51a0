"""``steps``: a group of steps."""

from __future__ import annotations

from nano_flow.core.outcomes import StepOutcome
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind


async def execute(execution: Execution) -> StepOutcome:
    """Run the steps of a group."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedGroup)
    return await execution.nested.graph(spec.graph, execution)


KIND = Kind(execute, leaf=False)
