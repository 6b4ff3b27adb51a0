"""An execution is an order and services: the order goes through JSON and what is done stays the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nano_flow.core.outcomes import StepOutcome
from nano_flow.plan.plan import PlannedForEach
from nano_flow.steps import table
from nano_flow.steps.context import Execution
from nano_flow.steps.order import Order
from tests.runtime.kit import Kit, prompt, values


def travelled(order: Order) -> Order:
    """The order as another process reads it."""
    return Order.from_json(json.loads(json.dumps(order.as_json())))


def run(kit: Kit) -> object:
    steps = [
        values("a", v="{{ [1, 2] }}"),
        prompt(
            "b", "{{ item }} of {{ steps.a.output.v | length }}", ["a"], for_each=PlannedForEach([1, 2], name="item")
        ),
        prompt("c", "{{ steps.b.output | join }}", ["b"]),
    ]
    return kit.run(steps)


def test_an_order_that_travelled_asks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = Kit(), Kit()
    run(here)
    kind = table.KINDS["prompt"]

    async def elsewhere(execution: Execution) -> StepOutcome:
        order = travelled(execution.order)
        assert (order.path, order.plan) == (execution.step.path, execution.plan.digest)
        return await kind.execute(replace(execution, order=order))

    monkeypatch.setitem(table.KINDS, "prompt", replace(kind, execute=elsewhere))
    run(there)
    assert len(here.gateway.asked) == 3
    assert there.gateway.asked == here.gateway.asked


def test_secret_inputs_stay_at_home() -> None:
    order = Order("sha256:1", "a", "a[1]", {"inputs": {"key": "s3cret", "n": 1}})  # type: ignore[arg-type]
    assert "s3cret" not in json.dumps(order.as_json({"key"}))
    assert order.as_json({"key"})["names"] == {"inputs": {"n": 1}}


@pytest.mark.parametrize("broken", [{}, {"names": {}, "budgets": [], "generation": 0, "plan": 1}])
def test_what_is_no_order_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not an order"):
        Order.from_json(broken)  # type: ignore[arg-type]
