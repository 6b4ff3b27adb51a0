"""``workflow``: another workflow, run inside this one."""

from __future__ import annotations

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.outcomes import StepOutcome
from nano_flow.plan.inputs import bind_inputs
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.steps.beside import beside
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind


async def execute(execution: Execution) -> StepOutcome:
    """Run another file with its own scope."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedWorkflow)
    given: dict[str, Json] = {
        name: execution.render_value(value, execution.names) for name, value in spec.inputs.items()
    }
    try:
        inputs = await beside(lambda patience: bind_inputs(spec.plan.inputs, given, patience))
    except ValueError as error:
        raise StepError("inputs", str(error)) from None
    return await execution.nested.workflow(spec.plan, inputs, execution)


KIND = Kind(execute, leaf=False)
