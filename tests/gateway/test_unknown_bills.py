"""What a failed call cost where nobody can know: unknown, never nothing."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from nano_flow.core import errors
from nano_flow.core.events import CallIntended
from nano_flow.core.messages import Usage
from nano_flow.plan.plan import PlannedRetry
from tests.gateway.fakes import A, C, FakeProvider, Outcome, World, ask, reply
from tests.gateway.test_gateway import call, failures


@pytest.mark.parametrize(
    ("outcome", "tokens"),
    [
        (reply(finish_reason="length"), 15),
        (reply(finish_reason="content_filter"), 15),
        (reply(""), 15),
        (errors.TimedOut("late"), None),
        (errors.ConnectionLost("cut", maybe_billed=True), None),
        (asyncio.CancelledError(), None),
    ],
    ids=["length", "filtered", "empty", "timeout", "cut", "cancelled"],
)
def test_a_failure_of_an_unpriced_model_that_was_or_may_have_been_billed_costs_nobody_knows_what(
    outcome: Outcome, tokens: int | None
) -> None:
    world = World(candidates=(C,))
    world.providers["gamma"] = FakeProvider([outcome])
    with pytest.raises((errors.RunError, asyncio.CancelledError)):
        call(world, ask(retry=PlannedRetry(1)))
    (failed,) = failures(world)
    assert (failed.cost, failed.possibly_spent) == (None, 0)
    assert "gamma/one" in failed.unpriced
    assert (failed.usage.total if failed.usage else None) == tokens
    assert cast(CallIntended, world.of(CallIntended)[0]).unpriced == failed.unpriced
    assert world.ledger.totals().unpriced_calls == 1


@pytest.mark.parametrize("outcome", [errors.RateLimited("slow down"), errors.BadRequest("what?")])
def test_a_call_of_an_unpriced_model_that_was_refused_cost_nothing(outcome: errors.ProviderError) -> None:
    world = World(candidates=(C,))
    world.providers["gamma"] = FakeProvider([outcome])
    with pytest.raises(errors.RunError):
        call(world, ask(retry=PlannedRetry(1)))
    assert (failures(world)[0].cost, failures(world)[0].unpriced) == (0, "")
    assert world.ledger.totals().unpriced_calls == 0


def test_a_failed_call_whose_use_nobody_measured_is_unknown_up_to_its_worst_case() -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider(
        [reply(finish_reason="length", usage=Usage(3, output_tokens=2, measured=False))]
    )
    with pytest.raises(errors.RunError):
        call(world, ask(retry=PlannedRetry(1)))
    (failed,) = failures(world)
    assert failed.cost is None and failed.unpriced
    assert failed.possibly_spent == cast(CallIntended, world.of(CallIntended)[0]).reserved > 0
