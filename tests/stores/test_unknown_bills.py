"""A reply that came without a report of what it used: its price is unknown, so its worst case counts as spent."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.core.events import CallFailed, CallFinished, CallIntended
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.stores.recorded import RecordedFold
from nano_flow.views.totals import Totals


def intent(address: str) -> CallIntended:
    return CallIntended(0.0, address, 0, 0, "a/m", "a/m", "f", Money(700), 90)


def unknown(address: str, reserved: int) -> CallFinished:
    reply = ChatReply("x", "stop", Usage(5, measured=False))
    unpriced = "the provider did not report what the call used"
    return CallFinished(
        1.0, address, 0, 0, "a/m", "a/m", "f", reply, 1.0, None, unpriced=unpriced, reserved=Money(reserved)
    )


def test_a_resumed_run_counts_its_worst_case() -> None:
    fold = RecordedFold()
    for event in (intent("a"), unknown("a", 700), intent("b"), unknown("b", 0)):
        fold.apply(event)
    work = fold.work()
    assert (work.spent, work.possibly_spent) == (0, 700)


def test_the_tokens_of_a_call_that_may_have_been_billed_count_too() -> None:
    fold = RecordedFold()
    fold.apply(intent("a"))
    fold.apply(CallFailed(1.0, "a", 0, 0, "a/m", "timeout", "late", 1.0, possibly_spent=Money(700)))
    assert (fold.work().possibly_spent, fold.work().spent_tokens) == (700, 90)


def test_the_view_of_a_run_shows_it_as_possibly_spent() -> None:
    totals = Totals()
    totals.settle(unknown("a", 700), None, Usage(5, measured=False), simulated=False)
    assert (totals.possibly_spent, totals.unpriced_calls, totals.cost) == (700, 1, 0)


def test_what_a_dead_process_had_sent_to_an_unpriced_model_stays_unknown() -> None:
    fold = RecordedFold()
    fold.apply(replace(intent("a"), reserved=Money(0), unpriced="no entry"))
    fold.apply(intent("b"))
    lost, bounded = fold.abandoned(2.0, simulated=False)
    assert (lost.cost, lost.unpriced) == (None, "no entry")
    assert (bounded.cost, bounded.possibly_spent, bounded.unpriced) == (0, 700, "")
    fold.apply(lost)
    assert fold.work().spent == 0


def test_the_view_counts_calls_in_flight_whose_worst_case_nobody_knows() -> None:
    totals = Totals()
    totals.intend(replace(intent("a"), reserved=Money(0), unpriced="no entry"), simulated=False)
    totals.intend(intent("b"), simulated=False)
    assert (totals.unpriced(over=False), totals.unpriced(over=True)) == (0, 1)
    assert totals.at_risk(over=True) == 700
