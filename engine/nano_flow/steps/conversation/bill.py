"""What a step has to pay for its answers."""

from __future__ import annotations

from nano_flow.core.calls import SAMPLE_TURNS
from nano_flow.core.money import Cost, Money
from nano_flow.gateway.ask import ModelAnswer
from nano_flow.routing.replies.cascade import MAX_SAMPLES
from nano_flow.steps.context import Execution


def charge(execution: Execution, answer: ModelAnswer, turn: int) -> None:
    """Put an answer on the bill of its step;
    a replayed one costs the step what it did cost, so that nothing changes in a resume.
    """
    cost = int(answer.cost.amount) if isinstance(answer.cost, Cost) else 0
    if answer.replayed:
        calls, numbers = execution.services.recorded.calls, range(turn, turn + MAX_SAMPLES * SAMPLE_TURNS, SAMPLE_TURNS)
        cost += sum(call.cost or 0 for n in numbers if (call := calls.get((str(execution.address), n))) is not None)
    else:
        execution.fresh = True
    execution.cost = Money(execution.cost + cost)
    execution.model = str(answer.model)
