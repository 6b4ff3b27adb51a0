"""``finish``: the end of the run, as succeeded."""

from __future__ import annotations

from nano_flow.core.outcomes import Ended, StepOutcome
from nano_flow.plan.kinds.finish import PlannedFinish
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import computed


def execute_now(execution: Execution) -> StepOutcome:
    """End the workflow that the step stands in."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedFinish)
    message = execution.text(spec.message)
    return Ended(spec.failed, message, execution.address, output=message)


KIND = computed(execute_now)
