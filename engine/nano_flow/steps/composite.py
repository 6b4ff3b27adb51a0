"""``steps``, ``switch`` and ``workflow``: steps that hold other steps."""

from __future__ import annotations

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.outcomes import Failed, Failure, StepOutcome, Succeeded
from nano_flow.core.text import as_text
from nano_flow.plan.inputs import bind_inputs
from nano_flow.plan.plan import PlannedGroup, PlannedSwitch, PlannedWorkflow
from nano_flow.steps.context import Execution


async def execute_group(execution: Execution) -> StepOutcome:
    """Run the steps of a group."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedGroup)
    return await execution.nested.graph(spec.graph, execution)


async def execute_switch(execution: Execution) -> StepOutcome:
    """Run the case that the value names; the output is the branch's."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedSwitch)
    value = execution.render(spec.value, execution.names)
    name = as_text(value)
    case, step = name, spec.cases.get(name)
    if step is None:
        case, step = "default", spec.default
    if step is None:
        known = ", ".join(f'"{known}"' for known in spec.cases)
        return Failed(Failure("switch", f'no case for "{name}"; there are {known} and no "default"'))
    outcome = await execution.nested.case(step, execution)
    if isinstance(outcome, Succeeded):
        return Succeeded(outcome.output, case, outcome.errors, outcome.recovered)
    return outcome


async def execute_workflow(execution: Execution) -> StepOutcome:
    """Run another file with its own scope."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedWorkflow)
    given: dict[str, Json] = {
        name: execution.render_value(value, execution.names) for name, value in spec.inputs.items()
    }
    try:
        inputs = bind_inputs(spec.plan.inputs, given)
    except ValueError as error:
        raise StepError("inputs", str(error)) from None
    return await execution.nested.workflow(spec.plan, inputs, execution)
