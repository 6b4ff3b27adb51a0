"""``steps``, ``switch`` and ``workflow``: steps that hold other steps."""

from __future__ import annotations

from nano_flow.core.errors import StepError
from nano_flow.core.events import StepSkipped
from nano_flow.core.messages import Json
from nano_flow.core.outcomes import Failed, Failure, StepOutcome, Succeeded
from nano_flow.core.refs import child
from nano_flow.core.text import as_text
from nano_flow.plan.inputs import bind_inputs
from nano_flow.plan.plan import PlannedGroup, PlannedStep, PlannedSwitch, PlannedWorkflow
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
    _tell_untaken(execution, spec, step)
    outcome = await execution.nested.case(step, execution)
    if isinstance(outcome, Succeeded):
        return Succeeded(outcome.output, case, outcome.errors, outcome.recovered)
    return outcome


def _tell_untaken(execution: Execution, spec: PlannedSwitch, taken: PlannedStep) -> None:
    """The inner steps of the other branches will not start; a case itself has no address of its own."""
    started = {step.id for step in taken.spec.graph.steps} if isinstance(taken.spec, PlannedGroup) else set()
    cases = (*spec.cases.values(), *([spec.default] if spec.default is not None else []))
    inner = [step for case in cases if isinstance(case.spec, PlannedGroup) for step in case.spec.graph.steps]
    services = execution.services
    for step in {step.id: step for step in inner if step.id not in started}.values():
        place = child(execution.address, step.id)
        services.emit(StepSkipped(services.clock.now(), place, step.id, step.kind, "branch_not_taken"))


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
