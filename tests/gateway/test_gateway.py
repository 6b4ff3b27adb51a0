"""One call end to end: the order of events, replay, retries, the next model, what is never kept."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from nano_flow.core import errors
from nano_flow.core.events import CallFailed, CallFinished, CallIntended, NoticeGiven, RouteDecided, TextStreamed
from nano_flow.core.messages import ChatReply, Message, ToolCall, Usage
from nano_flow.core.money import Cost, Money, Unpriced, money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAnswer, ModelAsk
from nano_flow.plan.catalogue import Catalogue, ProviderCard
from nano_flow.plan.plan import PlannedBudget, PlannedRetry
from nano_flow.ports import RecordedWork
from nano_flow.routing.refusals import Refusal
from tests.gateway.fakes import COST, A, B, C, Decided, FakeProvider, World, ask, reply


def call(world: World, question: ModelAsk | None = None) -> ModelAnswer:
    return asyncio.run(world.gateway().call(question or ask()))


def failures(world: World) -> list[CallFailed]:
    return cast(list[CallFailed], world.of(CallFailed))


def finished(world: World) -> CallFinished:
    return cast(CallFinished, world.of(CallFinished)[0])


def test_a_call_is_decided_intended_sent_and_finished_in_this_order() -> None:
    world = World()
    order: list[str] = []
    world.providers["alpha"].before = lambda: order.extend(world.names())
    answer = call(world)
    assert order == ["RouteDecided", "CallIntended"]
    assert world.names() == ["RouteDecided", "CallIntended", "CallFinished"]
    assert answer.reply.text == "fine"
    assert answer.model == A
    assert answer.cost == Cost(COST, "alpha/one@2025")
    assert finished(world).cost == COST
    assert world.ledger.totals().spent == COST
    assert world.ledger.reserved() == 0


def test_the_cap_is_always_sent_and_is_the_models_own_at_most() -> None:
    world = World()
    call(world)
    call(world, ask(max_output_tokens=7))
    assert [request.max_output_tokens for request in world.providers["alpha"].seen] == [100, 7]


def test_a_recorded_reply_is_free() -> None:
    first = World()
    call(first)
    world = World()
    recorded = RecordedWork({("step", 0): finished(first)}, {}, {}, {}, {}, {}, Money(0), Money(0), 0, 0.0)
    world.extra["recorded"] = recorded
    answer = call(world)
    assert answer.replayed
    assert answer.reply == finished(first).reply
    assert answer.cost == Cost(Money(0))
    assert world.events == []
    assert world.providers["alpha"].seen == []
    for other in (ask("changed"), ask(turn=1), ask(model="complex"), ask(params={"seed": 1}), ask(address="x")):
        assert not call(world, other).replayed


def test_a_model_that_was_chosen_otherwise_does_not_change_the_fingerprint() -> None:
    one, two = World(), World(candidates=(B,))
    call(one)
    call(two)
    assert finished(one).fingerprint == finished(two).fingerprint


@pytest.mark.parametrize(
    "error", [errors.RateLimited("slow"), errors.ServerFailed("x"), errors.Overloaded("y"), errors.TimedOut("z")]
)
def test_what_may_pass_is_tried_again_with_full_jitter(error: errors.ProviderError) -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([error, error, reply()])
    answer = call(world)
    assert answer.model == A
    assert answer.attempts == 3
    assert world.clock.slept == [0.5, 1.0]
    assert [event.attempt for event in failures(world)] == [0, 1]
    assert [event.attempt for event in cast(list[CallIntended], world.of(CallIntended))] == [0, 1, 2]


def test_retry_after_is_kept_to_up_to_a_maximum() -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([errors.RateLimited("slow", retry_after=20), reply()])
    assert call(world).model == A
    assert world.clock.slept == [20.5]
    world = World()
    world.providers["alpha"] = FakeProvider([errors.RateLimited("slow", retry_after=3600), reply()])
    assert call(world).model == B
    assert world.clock.slept == []
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([errors.RateLimited("slow", retry_after=31_536_000)])
    with pytest.raises(errors.RateLimited, match="slow; it asks to be left alone for 365 days, at most 1m are waited"):
        call(world)


def test_what_one_call_is_told_to_wait_all_wait() -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([errors.RateLimited("slow", retry_after=20), reply()])
    gateway = world.gateway()
    times: list[float] = []
    sent = asyncio.Event()
    world.providers["alpha"].before = sent.set

    async def late() -> None:
        await sent.wait()
        await gateway.call(ask(address="late"))
        times.append(world.clock.time)

    async def both() -> None:
        started = world.clock.time
        await asyncio.gather(gateway.call(ask()), late())
        assert times[0] >= started + 20

    asyncio.run(both())


def test_a_dear_fallback_is_told_when_it_is_asked() -> None:
    world = World()
    notice = f"the fallback {B} costs about $1 a call, 60 times as much as {A}"
    said, later = (notice, "no key for gamma"), {B: (notice,)}
    world.extra["route"] = lambda question, circumstances: Decided((A, B), notices=said, on_use=later)
    gateway = world.gateway()
    asyncio.run(gateway.call(ask()))
    assert [event.message for event in cast(list[NoticeGiven], world.of(NoticeGiven))] == ["no key for gamma"]
    world.providers["alpha"] = FakeProvider([errors.ModelUnknown("gone")])
    asyncio.run(gateway.call(ask(turn=1)))
    assert cast(NoticeGiven, world.of(NoticeGiven)[-1]).message == notice


def test_the_end_of_a_chain_names_what_happened_and_whose_keys_are_missing() -> None:
    world = World(candidates=(A,))
    refused = (Refusal(B, "credentials", "no credentials"), Refusal(C, "price", "unpriced"))
    world.extra["route"] = lambda question, circumstances: Decided((A,), refused=refused)
    cards = {name: ProviderCard(name, "x", None, (("KEY", "SECRET"), ("TOKEN",))) for name in ("alpha", "beta")}
    world.extra["catalogue"] = Catalogue(cards)
    world.providers["alpha"] = FakeProvider([errors.ConnectionLost("refused; start it: ollama serve")])
    with pytest.raises(errors.ConnectionLost) as caught:
        asyncio.run(world.gateway().call(ask()))
    assert str(caught.value) == (
        "no model answered:\n  alpha/one: connection: refused; start it: ollama serve\n"
        "— passed over, for their keys are not set: beta (KEY with SECRET or TOKEN)\n"
        "— set one, see who is there with nano-flow providers check, or rehearse with --offline"
    )
    world.providers["alpha"] = FakeProvider([errors.BadRequest("no such thing")])
    with pytest.raises(errors.BadRequest) as bad:
        asyncio.run(world.gateway().call(ask()))
    assert str(bad.value) == "no such thing"  # another key would not have helped


def test_that_a_model_gets_its_tools_by_prompt_is_told_when_it_is_asked() -> None:
    world = World()
    notice = f"{B} gets its tools by prompt"
    later = {B: (notice,)}
    world.extra["route"] = lambda question, circumstances: Decided((A, B), notices=(notice,), on_use=later)
    asyncio.run(world.gateway().call(ask()))
    assert world.of(NoticeGiven) == []
    world.providers["alpha"] = FakeProvider([errors.ModelUnknown("gone")])
    asyncio.run(world.gateway().call(ask(turn=1)))
    assert cast(NoticeGiven, world.of(NoticeGiven)[-1]).message == notice


def test_after_the_attempts_the_next_model_each_at_most_once() -> None:
    world = World(candidates=(A, B))
    world.providers["alpha"] = FakeProvider([errors.ServerFailed("down")])
    world.providers["beta"] = FakeProvider([errors.ServerFailed("down too")])
    with pytest.raises(errors.ServerFailed, match=r"(?s)alpha/one.*down.*beta/one.*down too"):
        call(world)
    assert (len(world.providers["alpha"].seen), len(world.providers["beta"].seen)) == (3, 3)
    assert [request.attempt for request in world.providers["beta"].seen] == [3, 4, 5]


@pytest.mark.parametrize("error", [errors.ContextTooLong("x"), errors.ModelUnknown("x"), errors.BadCredentials("x")])
def test_what_only_another_model_can_answer_is_not_repeated(error: errors.ProviderError) -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([error])
    assert call(world).model == B
    assert len(world.providers["alpha"].seen) == 1


def test_a_refused_key_is_loud_once() -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([errors.BadCredentials("no access")])
    gateway = world.gateway()

    async def twice() -> None:
        await gateway.call(ask())
        await gateway.call(ask(turn=1))

    asyncio.run(twice())
    notices = cast(list[NoticeGiven], world.of(NoticeGiven))
    assert [n.message for n in notices] == ["the key of alpha was refused (no access): beta/one is asked instead"]


@pytest.mark.parametrize(("status", "asked"), [(401, 1), (None, 1), (403, 2)])
def test_a_refused_key_is_not_shown_to_its_provider_again(status: int | None, asked: int) -> None:
    world = World(candidates=(A, ModelRef("alpha", "two"), B))
    world.providers["alpha"] = FakeProvider([errors.BadCredentials("no access", status=status)])
    assert call(world).model == B
    assert len(world.providers["alpha"].seen) == asked


@pytest.mark.parametrize("error", [errors.BadRequest("x"), errors.ContentRefused("x")])
def test_what_no_model_can_answer_ends_the_call(error: errors.ProviderError) -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([error])
    with pytest.raises(type(error)):
        call(world)
    assert world.providers["beta"].seen == []


def test_a_steps_retry_bounds_the_attempts_per_model_and_names_the_classes() -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([errors.ServerFailed("x")])
    call(world, ask(retry=PlannedRetry(5, delay_s=2, backoff="fixed")))
    assert world.clock.slept == [1.0] * 4
    world = World()
    world.providers["alpha"] = FakeProvider([errors.ServerFailed("x")])
    call(world, ask(retry=PlannedRetry(5, errors=("timeout",))))
    assert world.clock.slept == []


def test_a_timeout_is_possibly_spent_and_a_refusal_is_not() -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([errors.TimedOut("x"), errors.RateLimited("x"), reply()])
    call(world)
    timed_out, refused = failures(world)
    assert timed_out.possibly_spent > 0
    assert timed_out.possibly_spent == cast(CallIntended, world.of(CallIntended)[0]).reserved
    assert refused.possibly_spent == 0
    assert world.ledger.totals().possibly_spent == timed_out.possibly_spent
    assert world.ledger.reserved() == 0


def test_the_clock_ends_a_call_that_takes_too_long() -> None:
    world = World(candidates=(A,))
    slow = FakeProvider([reply(), reply()])
    slow.before = lambda: setattr(world.clock, "time", world.clock.time + (61 if len(slow.seen) == 1 else 1))
    world.providers["alpha"] = slow
    assert call(world).attempts == 2
    assert failures(world)[0].error == "timeout"
    assert failures(world)[0].possibly_spent > 0
    assert slow.seen[0].timeout_s == 60


def test_the_shorter_timeout_counts() -> None:
    world = World()
    call(world, ask(timeout_s=5))
    assert world.providers["alpha"].seen[0].timeout_s == 5


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (reply("half", finish_reason="length"), "length"),
        (reply("", finish_reason="content_filter"), "content_filter"),
        (reply("half", finish_reason="incomplete"), "connection"),
        (reply("  \n"), "server_error"),
    ],
)
def test_what_is_not_whole_is_paid_but_never_done(bad: ChatReply, kind: str) -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([bad])
    with pytest.raises(errors.RunError) as caught:
        call(world, ask(retry=PlannedRetry(1)))
    assert isinstance(caught.value, errors.StepError | errors.ProviderError)
    assert caught.value.kind == kind
    assert world.of(CallFinished) == []
    (failed,) = failures(world)
    assert (failed.error, failed.cost, failed.usage) == (kind, COST, bad.usage)
    assert world.ledger.totals().spent == COST


def test_a_reply_of_tool_calls_needs_no_text() -> None:
    world = World()
    world.providers["alpha"] = FakeProvider(
        [reply("", finish_reason="tool_calls", tool_calls=(ToolCall("1", "t", "{}"),))]
    )
    assert call(world).reply.tool_calls


def test_a_cut_stream_keeps_its_usage_and_shows_no_text_twice() -> None:
    cut = errors.ConnectionLost("cut", maybe_billed=True)
    cut.usage = Usage(input_tokens=10, output_tokens=5)
    world = World(candidates=(A,), extra={"stream": True})
    world.providers["alpha"] = FakeProvider([cut, reply("one two three")], pieces=("one ", "two"))
    call(world)
    assert "".join(event.text for event in cast(list[TextStreamed], world.of(TextStreamed))) == "one two"
    assert (failures(world)[0].cost, failures(world)[0].possibly_spent) == (COST, 0)


def test_usage_that_nobody_measured_has_no_price() -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([reply(usage=Usage(3, 0, 0, 2, measured=False))])
    answer = call(world)
    assert isinstance(answer.cost, Unpriced)
    assert finished(world).cost is None
    assert finished(world).unpriced
    assert world.ledger.totals().unpriced_calls == 1


def test_an_unpriced_model_is_asked_without_a_budget_and_not_under_one() -> None:
    assert isinstance(call(World(candidates=(C,))).cost, Unpriced)
    world = World(candidates=(C,), budget=PlannedBudget(usd=money("1")))
    with pytest.raises(errors.LimitReached, match="gamma/one"):
        call(world)
    assert world.providers["gamma"].seen == []


def test_a_cancelled_call_may_have_been_billed() -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([asyncio.CancelledError()])
    with pytest.raises(asyncio.CancelledError):
        call(world)
    assert failures(world)[0].error == "cancelled"
    assert failures(world)[0].possibly_spent > 0
    assert world.ledger.reserved() == 0


def test_a_store_that_fails_stops_before_anything_is_sent() -> None:
    world = World()

    async def broken(event: object) -> None:
        raise errors.StoreError("run.db", "disk full")

    world.extra["durable"] = broken
    with pytest.raises(errors.StoreError):
        call(world)
    assert world.providers["alpha"].seen == []
    assert world.ledger.totals().drawn == 0
    assert world.ledger.reserved() == 0


def test_a_defect_of_an_adapter_frees_nothing_silently() -> None:
    world = World()
    world.providers["alpha"] = FakeProvider([ValueError("odd")])
    with pytest.raises(ValueError, match="odd"):
        call(world)
    assert failures(world)[0].error == "defect"
    assert world.ledger.reserved() == 0


def test_scripts_and_judges_are_told_apart() -> None:
    world = World()
    call(world, ask(turn=4, script_turn=2, purpose="judge", messages=(Message("user", "?"),)))
    request = world.providers["alpha"].seen[0]
    assert (request.turn, request.purpose, request.address) == (2, "judge", "step")
    assert [cast(RouteDecided, event).purpose for event in world.of(RouteDecided)] == ["judge"]
