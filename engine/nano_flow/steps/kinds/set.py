"""``set``: values, rendered."""

from __future__ import annotations

from nano_flow.core.outcomes import StepOutcome, Succeeded
from nano_flow.plan.kinds.set import PlannedSet
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import computed


def execute_now(execution: Execution) -> StepOutcome:
    """Render the values."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedSet)
    return Succeeded({name: execution.render_value(value, execution.names) for name, value in spec.values.items()})


KIND = computed(execute_now)
