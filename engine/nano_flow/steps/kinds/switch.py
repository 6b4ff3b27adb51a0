"""``switch``: one of several steps, by a value."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.core.events import StepSkipped
from nano_flow.core.outcomes import Ended, Failed, Failure, StepOutcome, Succeeded
from nano_flow.core.refs import child
from nano_flow.core.text import as_text
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.plan import PlannedStep
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind


async def execute(execution: Execution) -> StepOutcome:
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
    if isinstance(outcome, Succeeded | Failed):
        return replace(outcome, case=case)
    if isinstance(outcome, Ended):
        own = step.kind in ("finish", "fail")  # a case has the address of its switch: what it says is no output of it
        return replace(outcome, case=case, output=None if own else outcome.output)
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


KIND = Kind(execute, leaf=False)
