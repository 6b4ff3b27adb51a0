"""What a call waits for: the pace of its provider, room in its budget; and the breaker of what keeps failing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.core import errors
from nano_flow.core.events import BudgetWarned, CallFinished, CallIntended, NoticeGiven
from nano_flow.core.messages import ChatReply, ChatRequest, Usage
from nano_flow.core.money import Money, money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.limits.cooldown import Cooldowns
from nano_flow.gateway.limits.pace import WINDOW_S, Pace
from nano_flow.gateway.limits.purse import DoesNotFit, Purse
from nano_flow.plan.plan import PlannedBudget
from nano_flow.pricing.ledger import Ledger
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.rates import PriceList, StatedEntry, StatedPrices, build_entry
from tests.gateway.fakes import A, FakeProvider, World, ask, reply
from tests.providers.clock import FakeClock

X, Y = ModelRef("p", "x"), ModelRef("p", "y")


def test_a_breaker_opens_after_failures_in_a_row_and_closes_by_time() -> None:
    breakers = Cooldowns(3, 60)
    for at in range(3):
        assert breakers.cooling(at) == frozenset()
        breakers.failed(X, "server_error", at)
    assert breakers.cooling(3) == {"p/x"}
    assert breakers.is_cooling(X, 3)
    assert not breakers.is_cooling(Y, 3)
    assert breakers.next_end(3) == 59
    assert breakers.cooling(62) == frozenset()
    breakers.failed(X, "server_error", 63)
    assert breakers.is_cooling(X, 64), "one more failure opens it again"
    breakers.succeeded(X)
    assert breakers.next_end(64) is None
    breakers.failed(X, "server_error", 65)
    assert not breakers.is_cooling(X, 66)


def test_a_provider_cools_for_its_own_faults_or_when_two_of_its_models_fail() -> None:
    breakers = Cooldowns(3, 60)
    for _ in range(3):
        breakers.failed(X, "connection", 0)
    assert breakers.cooling(1) == {"p", "p/x"}
    assert breakers.is_cooling(Y, 1)
    breakers = Cooldowns(2, 60)
    breakers.failed(X, "timeout", 0)
    breakers.failed(Y, "timeout", 0)
    assert breakers.cooling(1) == frozenset()
    breakers.failed(Y, "timeout", 0)
    assert breakers.cooling(1) == {"p", "p/y"}


def test_what_the_question_is_to_blame_for_opens_nothing() -> None:
    breakers = Cooldowns(1, 60)
    for kind in ("bad_request", "context_window", "content_filter", "cancelled", "length"):
        breakers.failed(X, kind, 0)
    assert breakers.cooling(0) == frozenset()


@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 20)), min_size=1, max_size=60),
    st.integers(1, 12),
    st.integers(100, 900),
)
@settings(max_examples=60, deadline=None)
def test_no_window_holds_more_than_the_limits(calls: list[tuple[int, float]], rpm: int, tpm: int) -> None:
    clock = FakeClock(0.0)
    pace = Pace(clock, rpm, tpm)
    sent: list[tuple[float, int]] = []

    async def run() -> None:
        for tokens, gap in calls:
            clock.time += gap
            async with pace.turn(tokens):
                sent.append((clock.time, tokens))

    asyncio.run(run())
    assert len(sent) == len(calls)
    for start, _ in sent:
        window = [tokens for at, tokens in sent if start <= at < start + WINDOW_S]
        assert len(window) <= rpm
        assert sum(window) <= tpm or len(window) == 1


def test_the_true_size_of_a_call_replaces_the_expected_one() -> None:
    clock = FakeClock(0.0)
    pace = Pace(clock, tpm=100)

    async def run() -> None:
        async with pace.turn(90) as turn:
            turn.took(10)
        async with pace.turn(80):
            pass

    asyncio.run(run())
    assert clock.slept == []


def test_calls_at_a_time_are_bounded() -> None:
    running = peak = 0

    async def one(pace: Pace) -> None:
        nonlocal running, peak
        async with pace.turn(1):
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0)
            running -= 1

    async def run() -> None:
        pace = Pace(FakeClock(), in_flight=3)
        await asyncio.gather(*(one(pace) for _ in range(20)))

    asyncio.run(run())
    assert peak == 3


def test_reservations_wait_for_running_calls_and_go_on_in_order() -> None:
    ledger = Ledger(PlannedBudget(usd=Money(100)))
    purse = Purse(ledger)
    got: list[int] = []

    async def one(number: int) -> None:
        held = await purse.reserve(("",), Money(60))
        got.append(number)
        await asyncio.sleep(0)
        ledger.release(held)

    async def run() -> None:
        await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(30))), 10)

    asyncio.run(run())
    assert got == list(range(30))


def test_a_cancelled_waiter_passes_its_turn_on() -> None:
    ledger = Ledger(PlannedBudget(usd=Money(100)))
    purse = Purse(ledger)

    async def run() -> None:
        held = await purse.reserve(("",), Money(100))
        waiting = [asyncio.create_task(purse.reserve(("",), Money(100))) for _ in range(2)]
        await asyncio.sleep(0)
        ledger.release(held)
        waiting[0].cancel()
        await asyncio.wait_for(waiting[1], 5)

    asyncio.run(run())


def test_what_can_never_fit_is_refused_at_once() -> None:
    purse = Purse(Ledger(PlannedBudget(usd=Money(100))))
    with pytest.raises(DoesNotFit, match="resume --budget"):
        asyncio.run(purse.reserve(("",), Money(101)))


def test_many_calls_at_once_stay_within_the_budget_and_use_it() -> None:
    world = World(candidates=(A,), budget=PlannedBudget(usd=money("0.004")))

    def answer(request: ChatRequest) -> ChatReply:
        return reply(usage=Usage(input_tokens=10, output_tokens=50))

    world.providers["alpha"] = FakeProvider([answer])
    gateway = world.gateway()

    async def run() -> list[object]:
        calls = (gateway.call(ask(address=f"s[{n}]", max_output_tokens=100)) for n in range(100))
        return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 20)

    results = asyncio.run(run())
    refused = [result for result in results if isinstance(result, errors.LimitReached)]
    assert len(refused) + world.ledger.totals().spent // 110_000 == 100
    assert 30 <= len(world.providers["alpha"].seen) <= 36
    assert world.ledger.totals().spent <= money("0.004")


def test_a_cheaper_candidate_is_asked_where_the_first_does_not_fit() -> None:
    world = World(budget=PlannedBudget(usd=Money(1_000)))
    with pytest.raises(errors.LimitReached):
        asyncio.run(world.gateway().call(ask()))
    assert world.names() == ["RouteDecided"]


def test_passing_a_mark_is_told_and_an_overrun_stops_the_run() -> None:
    world = World(candidates=(A,), budget=PlannedBudget(usd=money("0.001"), warn_at=0.2))
    world.providers["alpha"] = FakeProvider([reply(usage=Usage(10, 0, 0, 99)), reply(usage=Usage(10, 0, 0, 300))])
    gateway = world.gateway()
    asyncio.run(gateway.call(ask()))
    warned = cast(list[BudgetWarned], world.of(BudgetWarned))
    assert [(event.share, event.spent) for event in warned] == [(0.2, 208_000)]
    with pytest.raises(errors.LimitReached, match="overrun"):
        asyncio.run(gateway.call(ask(turn=1)))
    assert any("overrun" in event.message for event in cast(list[NoticeGiven], world.of(NoticeGiven)))
    with pytest.raises(errors.LimitReached):
        asyncio.run(gateway.call(ask(turn=2)))
    assert len(world.providers["alpha"].seen) == 2


def test_the_providers_limits_pace_the_calls_of_a_run() -> None:
    world = World(candidates=(A,), limits={"rpm": 2})
    gateway = world.gateway()

    async def run() -> None:
        for turn in range(5):
            await gateway.call(ask(turn=turn))

    asyncio.run(run())
    assert world.clock.slept == [60.0, 60.0]


@pytest.mark.parametrize(("dollars", "sent"), [("0.01", 2), ("0.0004", 1)])
def test_a_price_that_goes_up_while_a_call_waits_for_its_pace_is_the_one_that_is_reserved(
    dollars: str, sent: int
) -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    entries = tuple(
        build_entry(StatedEntry(f"alpha/one@{day}", day, {-1: StatedPrices(Decimal(price), Decimal(price))}))
        for day, price in ((date(2025, 1, 1), "1"), (midnight.date(), "4"))
    )
    prices = Prices({"alpha/one": PriceList("alpha/one", entries)})
    world = World(
        candidates=(A,), budget=PlannedBudget(usd=money(dollars)), limits={"rpm": 1}, extra={"prices": prices}
    )
    world.clock.time = midnight.timestamp() - 30

    async def two() -> None:
        gateway = world.gateway()
        await gateway.call(ask())
        await gateway.call(replace(ask(), turn=1))

    if sent == 2:
        asyncio.run(two())
    else:
        with pytest.raises(DoesNotFit):  # 4 × what was left when the call began to wait
            asyncio.run(two())
    intents = cast(list[CallIntended], world.of(CallIntended))
    bills = cast(list[CallFinished], world.of(CallFinished))
    assert len(world.providers["alpha"].seen) == len(intents) == sent
    assert all(
        bill.cost is not None and bill.cost <= intent.reserved for bill, intent in zip(bills, intents, strict=True)
    )
    assert [intent.at >= midnight.timestamp() for intent in intents] == [False, True][:sent]
    assert sent == 1 or intents[1].reserved == 4 * intents[0].reserved
    assert world.ledger.reserved() == 0
