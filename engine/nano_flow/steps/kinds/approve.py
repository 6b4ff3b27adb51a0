"""``approve``: a question to a person; the run saves itself where nobody is there to answer."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from nano_flow.core.events import ApprovalAnswered, ApprovalAsked
from nano_flow.core.outcomes import Failed, Failure, StepOutcome, Succeeded, Waiting
from nano_flow.core.shown.questions import question_fingerprint
from nano_flow.core.text import rfc3339
from nano_flow.plan.kinds.approve import PlannedApprove
from nano_flow.steps.context import Execution
from nano_flow.steps.kind import Kind


@dataclass(frozen=True, slots=True)
class _Question:
    """The question as it reads now; an answer to one that read differently is none."""

    spec: PlannedApprove
    message: str
    key: tuple[str, str]


async def execute(execution: Execution) -> StepOutcome:
    """Find the answer, ask for it, or wait for it."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedApprove)
    services = execution.services
    message = execution.text(spec.message)
    # The attempt of a retried group is part of what is asked: each attempt wants an answer of its own.
    said = f"{message}\0{execution.generation}" if execution.generation else message
    question = _Question(
        spec, message, (str(execution.address), question_fingerprint(said, spec.options, spec.input_schema))
    )
    recorded = services.recorded.answer(*question.key)
    if recorded is not None:
        return _decided(recorded)
    execution.fresh = True
    await services.before_work()
    expires_at = await _ask(execution, question)
    if expires_at is not None and services.clock.now() >= expires_at:
        return await _timed_out(execution, spec)
    if services.approver is None:
        return Waiting("approval", execution.address)
    return await _answer(execution, question, expires_at)


async def _ask(execution: Execution, question: _Question) -> float | None:
    services, spec = execution.services, question.spec
    now = services.clock.now()
    asked_at = services.recorded.asked_at.get(question.key)
    expires_at = None if spec.timeout_s is None else (now if asked_at is None else asked_at) + spec.timeout_s
    if asked_at is None:
        asked = ApprovalAsked(
            at=now,
            address=execution.address,
            message=question.message,
            options=spec.options,
            input_schema=spec.input_schema,
            expires_at=expires_at,
            fingerprint=question.key[1],
        )
        await services.durable(asked)
    return expires_at


async def _answer(execution: Execution, question: _Question, expires_at: float | None) -> StepOutcome:
    services, spec = execution.services, question.spec
    assert services.approver is not None
    left = None if expires_at is None else expires_at - services.clock.now()
    # Until a timeout that is near the run stays: then it is the answer.
    stays = services.patience.at_work() if left is not None and services.patience.is_near(left) else nullcontext()
    try:
        async with services.clock.timeout(left):
            with stays:
                answer = await services.approver.ask(
                    execution.address, question.message, spec.options, spec.input_schema
                )
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


KIND = Kind(execute)
