"""What a step has paid for its answers, in its first life and in a later one."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nano_flow.core.calls import SAMPLE_TURNS
from nano_flow.core.events import CallFinished
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Cost, Money, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAnswer
from nano_flow.steps.context import Execution
from nano_flow.steps.conversation.bill import charge
from tests.stores.samples import finished

REPLY = ChatReply("fine", "stop", Usage())


@dataclass
class Paying:
    """The sides of an execution that a bill touches."""

    calls: dict[tuple[str, int], CallFinished] = field(default_factory=dict)
    address: str = "ask"
    cost: int = 5
    model: str | None = None

    @property
    def services(self) -> Any:
        return SimpleNamespace(recorded=SimpleNamespace(calls=self.calls))


def answer(cost: Cost | Unpriced, **more: Any) -> ModelAnswer:
    return ModelAnswer(REPLY, ModelRef("openai", "gpt-5-mini"), "auto", cost, **more)


@pytest.mark.parametrize(("cost", "total"), [(Cost(Money(7)), 12), (Unpriced("nobody knows"), 5)])
def test_an_answer_costs_what_was_paid_for_it(cost: Cost | Unpriced, total: int) -> None:
    step = Paying({("ask", 2): finished(turn=2)})
    charge(cast(Execution, step), answer(cost), 2)
    assert (step.cost, step.model) == (total, "openai/gpt-5-mini")


def test_a_replayed_answer_costs_what_it_did_with_the_samples_it_was_compared_with() -> None:
    numbers = (2, 2 + SAMPLE_TURNS, 3 + SAMPLE_TURNS)
    step = Paying({("ask", number): finished(turn=number) for number in numbers})
    charge(cast(Execution, step), answer(Cost(Money(7)), replayed=True), 2)
    assert step.cost == 5 + 300 + 300 + 7  # the last is a sample that was drawn only now
