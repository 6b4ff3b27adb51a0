"""``approve``: a question to a person; the run saves itself where nobody is there to answer."""

from __future__ import annotations

from nano_flow.core.events import ApprovalAnswered, ApprovalAsked
from nano_flow.core.outcomes import Failed, Failure, StepOutcome, Succeeded, Waiting
from nano_flow.core.text import rfc3339
from nano_flow.plan.plan import PlannedApprove
from nano_flow.steps.context import Execution


async def execute(execution: Execution) -> StepOutcome:
    """Find the answer, ask for it, or wait for it."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedApprove)
    services = execution.services
    recorded = services.recorded.approvals.get(execution.address)
    if recorded is not None and not execution.generation:
        return _decided(recorded)
    expires_at = await _ask(execution, spec)
    if expires_at is not None and services.clock.now() >= expires_at:
        return await _timed_out(execution, spec)
    if services.approver is None:
        return Waiting("approval", execution.address)
    return await _answer(execution, spec, expires_at)


async def _ask(execution: Execution, spec: PlannedApprove) -> float | None:
    services = execution.services
    now = services.clock.now()
    asked_at = services.recorded.asked_at.get(execution.address)
    expires_at = None if spec.timeout_s is None else (now if asked_at is None else asked_at) + spec.timeout_s
    if asked_at is None:
        message = execution.text(spec.message)
        schema = spec.input_schema
        await services.durable(ApprovalAsked(now, execution.address, message, spec.options, schema, expires_at))
    return expires_at


async def _answer(execution: Execution, spec: PlannedApprove, expires_at: float | None) -> StepOutcome:
    services = execution.services
    assert services.approver is not None
    left = None if expires_at is None else expires_at - services.clock.now()
    message = execution.text(spec.message)
    try:
        async with services.clock.timeout(left):
            answer = await services.approver.ask(execution.address, message, spec.options, spec.input_schema)
    except TimeoutError:
        return await _timed_out(execution, spec)
    if answer is None:
        return Waiting("approval", execution.address)
    await services.durable(answer)
    return _decided(answer)


async def _timed_out(execution: Execution, spec: PlannedApprove) -> StepOutcome:
    if spec.on_timeout is None:
        return Failed(Failure("timeout", "nobody answered in time"))
    services = execution.services
    answer = ApprovalAnswered(services.clock.now(), execution.address, spec.on_timeout, None, "", "timeout")
    await services.durable(answer)
    return _decided(answer)


def _decided(answer: ApprovalAnswered) -> StepOutcome:
    return Succeeded(
        {
            "decision": answer.decision,
            "input": answer.input,
            "comment": answer.comment,
            "by": answer.by,
            "at": rfc3339(answer.at),
        }
    )
