"""A reply that stops at its cap: told with what ate the room, and gone on with where the policy says so."""

from __future__ import annotations

import asyncio

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import Usage
from nano_flow.core.money import Money
from nano_flow.gateway.rules import RECOVERABLE, FallbackRules
from nano_flow.pricing.prices import Prices
from tests.gateway.fakes import A, B, C, FakeProvider, World, ask, reply
from tests.gateway.test_gateway import call, failures, finished

LENGTH = FallbackRules(next_model_on=RECOVERABLE | {"length"})
CUT = reply("half", finish_reason="length")


def caps(world: World, name: str) -> list[int]:
    return [request.max_output_tokens for request in world.providers[name].seen]


def test_hidden_reasoning_that_eats_the_cap_is_named() -> None:
    world = World(candidates=(A,))
    thought = Usage(10, output_tokens=1, reasoning_tokens=99)
    world.providers["alpha"] = FakeProvider([reply("", finish_reason="length", usage=thought)])
    with pytest.raises(errors.StepError, match="of which 99 went into hidden reasoning; lower its reasoning_effort"):
        call(world)
    assert len(caps(world, "alpha")) == 1


def test_the_policy_goes_on_with_a_larger_cap_once_then_with_the_next_model() -> None:
    world = World(candidates=(A, B))
    world.extra["rules"] = LENGTH
    world.providers["alpha"] = FakeProvider([CUT])
    assert call(world).model == B
    assert caps(world, "alpha") == [100]  # the model's own cap is no larger
    world = World(candidates=(C, B))
    world.extra["rules"] = LENGTH
    world.providers["gamma"] = FakeProvider([CUT, reply("whole")])
    world.cap = None
    answer = call(world)
    assert (answer.model, answer.reply.text, caps(world, "gamma")) == (C, "whole", [4096, 16_384])
    assert [failed.error for failed in failures(world)] == ["length"]


def test_a_cap_that_the_author_wrote_is_never_exceeded() -> None:
    world = World(candidates=(C,))
    world.cap = None
    world.extra["rules"] = LENGTH
    world.providers["gamma"] = FakeProvider([CUT])
    with pytest.raises(errors.StepError, match="output cap of 50 tokens"):
        call(world, ask(max_output_tokens=50))
    assert caps(world, "gamma") == [50]


@pytest.mark.parametrize(("trust", "cost"), [(True, 1_230_000), (False, None)])
def test_what_a_server_reports_settles_a_call_without_a_price(trust: bool, cost: int | None) -> None:
    world = World(candidates=(C,))
    world.extra["prices"] = Prices({}, trust_reported=trust)
    said = Usage(10, output_tokens=5, reported=Money(1_230_000))
    world.providers["gamma"] = FakeProvider([reply(usage=said)])
    call(world)
    done = finished(world)
    assert (done.cost, done.price_entry) == (cost, "gamma/one@reported" if trust else "")
    assert world.ledger.totals().unpriced_calls == (0 if trust else 1)


def test_a_price_of_ours_is_not_moved_by_what_a_server_reports() -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([reply(usage=Usage(10, output_tokens=5, reported=Money(1)))])
    call(world)
    done = finished(world)
    assert (done.cost, done.price_entry) == (10 * 1000 + 5 * 2000, "alpha/one@2025")


def test_a_model_that_is_not_there_is_asked_once_by_a_run() -> None:
    world = World(candidates=(A, B))
    world.providers["alpha"] = FakeProvider([errors.ModelUnknown("retired")])
    gateway = world.gateway()

    async def twice() -> None:
        await gateway.call(ask())
        await gateway.call(ask(turn=1))

    asyncio.run(twice())
    assert [circumstances.cooling for circumstances in world.routed] == [frozenset(), frozenset({"alpha/one"})]
