"""Budgets: what is reserved and spent never exceeds them, and the sums are the sums of their rows."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.core.money import ZERO, Cost, Money, Unpriced, money
from nano_flow.plan.plan import PlannedBudget
from nano_flow.pricing.budgets import MustWait, Refused, Reservation, Totals
from nano_flow.pricing.ledger import Ledger


def dollars(text: str, **more: float) -> PlannedBudget:
    return PlannedBudget(usd=money(text), **more)  # type: ignore[arg-type]


def taken(answer: Reservation | Refused | MustWait) -> Reservation:
    assert isinstance(answer, Reservation), answer
    return answer


def test_parallel_calls_are_admitted_only_while_their_worst_cases_fit() -> None:
    ledger = Ledger(dollars("0.45"))
    answers = [ledger.reserve([""], money("0.10")) for _ in range(20)]
    assert [type(a) for a in answers] == [Reservation] * 4 + [MustWait] * 16


def test_a_call_waits_while_running_ones_may_release_and_is_refused_when_they_cannot() -> None:
    ledger = Ledger(dollars("1"))
    first = taken(ledger.reserve([""], money("0.9")))
    assert isinstance(ledger.reserve([""], money("0.5")), MustWait)
    ledger.settle(first, Cost(money("0.6")), 10)
    refused = ledger.reserve([""], money("0.5"))
    assert isinstance(refused, Refused)
    assert str(refused) == "the call may cost 0.5 USD, but 0.4 of 1 USD is left of the run's budget"


def test_room_grows_by_the_difference_between_worst_case_and_bill() -> None:
    woken: list[int] = []
    ledger = Ledger(dollars("1"), on_release=lambda: woken.append(1))
    first = taken(ledger.reserve([""], money("0.9")))
    ledger.settle(first, Cost(money("0.1")), 10)
    assert woken == [1]
    taken(ledger.reserve([""], money("0.9")))


def test_a_budget_of_nothing_admits_only_what_is_free() -> None:
    ledger = Ledger(dollars("0"))
    assert isinstance(ledger.reserve([""], Money(1)), Refused)
    taken(ledger.reserve([""], ZERO))


def test_a_step_pays_from_its_own_budget_and_the_runs() -> None:
    ledger = Ledger(dollars("1"))
    ledger.open("review[0]", dollars("0.2"))
    refused = ledger.reserve(["", "review[0]"], money("0.3"))
    assert isinstance(refused, Refused)
    assert refused.scope == "review[0]" and 'the budget of "review[0]"' in str(refused)
    call = taken(ledger.reserve(["", "review[0]"], money("0.2")))
    ledger.settle(call, Cost(money("0.15")), 5)
    assert ledger.left([""]) == (money("0.85"), money("1"))
    assert ledger.left(["", "review[0]"]) == (money("0.05"), money("0.2"))
    ledger.close("review[0]")
    assert ledger.left(["", "review[0]"]) == (money("0.85"), money("1"))


def test_tokens_are_bounded_like_money() -> None:
    ledger = Ledger(PlannedBudget(tokens=1000))
    call = taken(ledger.reserve([""], ZERO, 800))
    assert isinstance(ledger.reserve([""], ZERO, 300), MustWait)
    ledger.settle(call, Cost(ZERO), 750)
    refused = ledger.reserve([""], ZERO, 300)
    assert str(refused) == "the call may take 300 tokens, but 250 of 1000 are left of the run's budget"
    assert ledger.left([""]) is None


def test_a_call_whose_end_is_unknown_counts_as_spent() -> None:
    ledger = Ledger(dollars("1"))
    ledger.give_up(taken(ledger.reserve([""], money("0.7"), 100)))
    assert ledger.totals() == Totals(possibly_spent=money("0.7"), tokens=100)
    assert isinstance(ledger.reserve([""], money("0.4")), Refused)


def test_a_call_that_was_not_billed_costs_nothing() -> None:
    ledger = Ledger(dollars("1"))
    ledger.release(taken(ledger.reserve([""], money("0.7"), 100)))
    assert ledger.totals() == Totals()
    taken(ledger.reserve([""], money("1")))


def test_simulated_money_uses_budgets_up_but_is_not_spent() -> None:
    ledger = Ledger(dollars("1"))
    ledger.settle(taken(ledger.reserve([""], money("0.7"), simulated=True)), Cost(money("0.7")), 9)
    assert ledger.totals() == Totals(simulated=money("0.7"), tokens=9)
    assert isinstance(ledger.reserve([""], money("0.4"), simulated=True), Refused)


def test_unpriced_bills_are_counted_and_their_reservation_is_possibly_spent() -> None:
    ledger = Ledger(dollars("1"))
    ledger.settle(taken(ledger.reserve([""], money("0.2"))), Unpriced("audio"), 10)
    ledger.settle(taken(ledger.reserve([""], ZERO)), Unpriced("unknown model"), 10)
    assert ledger.totals() == Totals(possibly_spent=money("0.2"), unpriced_calls=2, tokens=20)


def test_a_bill_above_its_reservation_is_an_overrun_that_admits_nothing_more() -> None:
    ledger = Ledger(dollars("10"))
    ledger.open("finally", dollars("0.02"))
    done = ledger.settle(taken(ledger.reserve([""], money("0.1"), 50)), Cost(money("0.3")), 50)
    (overrun,) = done.overruns
    assert overrun.stops and str(overrun) == "a call was billed at 0.3 USD, above the 0.1 reserved for it"
    assert isinstance(ledger.reserve([""], Money(1)), Refused)
    taken(ledger.reserve(["finally"], money("0.02")))


def test_without_a_budget_an_overrun_is_told_and_stops_nothing() -> None:
    ledger = Ledger()
    done = ledger.settle(taken(ledger.reserve([""], money("0.1"), 50)), Cost(money("0.3")), 70)
    assert [(o.limit, o.stops) for o in done.overruns] == [("budget.usd", False), ("budget.tokens", False)]
    assert str(done.overruns[1]) == "a call took 70 tokens, above the 50 reserved for it"
    assert not ledger.bounded([""])
    taken(ledger.reserve([""], money("100")))


def test_what_the_cache_saved_is_kept_apart() -> None:
    ledger = Ledger(dollars("1"))
    ledger.save(money("0.3"))
    assert ledger.totals() == Totals(saved=money("0.3")) and ledger.totals().drawn == ZERO
    assert ledger.bounded(["nothing", ""])


def test_a_simulated_call_whose_end_is_unknown_is_simulated_money() -> None:
    ledger = Ledger(dollars("1"))
    ledger.give_up(taken(ledger.reserve([""], money("0.7"), simulated=True)))
    assert ledger.totals() == Totals(simulated=money("0.7"))


def test_warn_at_is_reported_once_and_downgrade_at_holds_from_then_on() -> None:
    ledger = Ledger(dollars("1", warn_at=0.8, downgrade_at=0.9))
    seen = []
    for _ in range(10):
        seen.append(bool(ledger.settle(taken(ledger.reserve([""], money("0.1"))), Cost(money("0.1")), 1).crossed))
        assert ledger.under_pressure([""]) == (len(seen) >= 9)
    assert seen == [False] * 7 + [True, False, False]


def test_spend_survives_a_resume() -> None:
    ledger = Ledger(dollars("1"), start=Totals(spent=money("0.5"), possibly_spent=money("0.4")))
    assert isinstance(ledger.reserve([""], money("0.2")), Refused)
    ledger.open("a", dollars("0.3"))
    ledger.replay(["", "a"], money("0.25"), 100)
    assert ledger.totals().spent == money("0.5")
    assert ledger.left(["a"]) == (money("0.05"), money("0.3"))
    assert ledger.left([""]) == (money("0.1"), money("1"))


def test_a_replayed_call_of_finally_moves_out_of_the_runs_budget() -> None:
    ledger = Ledger(dollars("1"), start=Totals(spent=money("1")))
    ledger.open("finally", dollars("0.02"))
    ledger.replay(["finally"], money("0.01"), 10)
    assert ledger.left(["finally"]) == (money("0.01"), money("0.02"))
    assert ledger.left([""]) == (money("0.01"), money("1"))


def test_negative_money_never_refills_a_budget() -> None:
    ledger = Ledger(dollars("1"))
    call = taken(ledger.reserve([""], money("0.5")))
    with pytest.raises(ValueError, match="negative"):
        ledger.settle(call, Cost(Money(-1)), 0)
    with pytest.raises(ValueError, match="negative"):
        ledger.reserve([""], Money(-1))
    with pytest.raises(ValueError, match="damaged"):
        Ledger(dollars("1"), start=Totals(spent=Money(-5)))


def test_a_reservation_is_settled_once() -> None:
    ledger = Ledger(dollars("1"))
    call = taken(ledger.reserve([""], money("0.5")))
    ledger.release(call)
    with pytest.raises(ValueError, match="settled before"):
        ledger.release(call)


Move = tuple[str, int, int, int]
moves = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "give_up", "release"]),
        st.integers(0, 3),
        st.integers(0, 60),
        st.integers(0, 100),
    ),
    max_size=80,
)
chains = [("",), ("", "a"), ("", "a", "a.b"), ("finally",)]


def end_call(ledger: Ledger, call: Reservation, kind: str, share: int) -> int:
    """End ``call`` in one of three ways; the row that it leaves."""
    if kind == "give_up":
        ledger.give_up(call)
        return call.amount
    if kind == "release":
        ledger.release(call)
        return 0
    bill = call.amount * share // 100
    ledger.settle(call, Cost(Money(bill)), call.tokens * share // 100)
    return bill


@settings(max_examples=200, deadline=None)
@given(moves)
def test_spent_and_reserved_stay_within_every_budget_and_rows_add_up(steps: list[Move]) -> None:
    limits = {"": 200, "a": 120, "a.b": 60, "finally": 30}
    ledger = Ledger(PlannedBudget(usd=Money(limits[""]), tokens=500))
    for scope in ("a", "a.b", "finally"):
        ledger.open(scope, PlannedBudget(usd=Money(limits[scope])))
    running: deque[Reservation] = deque()
    rows: list[tuple[tuple[str, ...], int]] = []
    for kind, chain, amount, share in steps:
        if kind == "reserve":
            answer = ledger.reserve(chains[chain], Money(amount), amount)
            running.extend([answer] if isinstance(answer, Reservation) else [])
        elif running:
            call = running.popleft()
            rows.append((call.scopes, end_call(ledger, call, kind, share)))
        for scope, limit in limits.items():
            used = sum(bill for scopes, bill in rows if scope in scopes)
            held = sum(c.amount for c in running if scope in c.scopes)
            assert used + held <= limit
            assert ledger.left([scope]) == (limit - used - held, limit)
    assert ledger.totals().drawn == sum(bill for _, bill in rows)
    assert ledger.reserved() == sum(c.amount for c in running)


def test_512_concurrent_calls_on_a_budget_for_100_spend_at_most_the_budget() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        ledger = Ledger(PlannedBudget(usd=Money(100_000)))
        waiting, admitted, billed = 512, 0, 0
        running: list[Reservation] = []
        while waiting or running:
            answer = ledger.reserve([""], Money(1000)) if waiting else None
            if isinstance(answer, Reservation):
                waiting -= 1
                admitted += 1
                running.append(answer)
            elif isinstance(answer, Refused):
                waiting -= 1
            else:
                call = running.pop(chance.randrange(len(running)))
                bill = chance.randint(500, 1000)
                billed += bill
                ledger.settle(call, Cost(Money(bill)), 1)
        assert billed == ledger.totals().spent <= 100_000
        assert billed > 99_000 and 100 < admitted < 200
