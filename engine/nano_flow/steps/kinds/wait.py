"""``wait``: a pause that survives a restart."""

from __future__ import annotations

from nano_flow.core.errors import StepError
from nano_flow.core.events import WaitStarted
from nano_flow.core.outcomes import StepOutcome, Succeeded, Waiting
from nano_flow.plan.kinds.wait import PlannedWait
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind


async def execute(execution: Execution) -> StepOutcome:
    """Wait until the moment that was fixed when the step first started."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedWait)
    services = execution.services
    now = services.clock.now()
    seconds = _duration(execution, spec)
    asked = f"wait {seconds:g} {execution.generation}"
    began = services.recorded.waits.get(execution.address)
    if began is not None and began.fingerprint in (asked, "" if not execution.generation else asked):
        until = began.until
    else:
        until = now + seconds
        await services.durable(WaitStarted(now, execution.address, until, asked))
    if until > now:
        execution.fresh = True
        await services.before_work()
        if not await services.patience.until(until, services.clock):
            return Waiting("wait", execution.address)
    return Succeeded(None)


def _duration(execution: Execution, spec: PlannedWait) -> float:
    if isinstance(spec.duration, float | int):
        return float(spec.duration)
    from nano_flow.documents.common import duration_seconds

    text = execution.text(spec.duration)
    try:
        return duration_seconds(text)
    except ValueError:
        raise StepError("template", f'"wait" needs a duration such as "30s" or "5m", it got "{text}"') from None


KIND = Kind(execute)
