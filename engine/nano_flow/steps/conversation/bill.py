"""What a step has to pay for its answers."""

from __future__ import annotations

from nano_flow.core.money import Cost, Money
from nano_flow.gateway.ask import ModelAnswer
from nano_flow.steps.context import Execution


def charge(execution: Execution, answer: ModelAnswer, turn: int) -> None:
    """Put an answer on the bill of its step;
    a replayed one costs the step what it did cost, so that nothing changes in a resume.
    """
    cost = answer.cost.amount if isinstance(answer.cost, Cost) else 0
    if answer.replayed:
        recorded = execution.services.recorded.calls.get((str(execution.address), turn))
        cost = (recorded.cost or 0) if recorded is not None else 0
    execution.cost = Money(execution.cost + cost)
    execution.model = str(answer.model)
