"""Further samples of a cheap reply: paid, journaled, replayed and cached as calls of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import pytest

from nano_flow.core import errors
from nano_flow.core.calls import SAMPLE_TURNS, turn_and_sample
from nano_flow.core.events import CacheHit, CallFinished, CallIntended, NoticeGiven, RouteDecided, TextStreamed
from nano_flow.core.messages import ChatReply, ChatRequest, Json, ToolCall
from nano_flow.core.money import Cost, Money
from nano_flow.gateway.ask import Circumstances, ModelAsk, Routed
from nano_flow.gateway.rules import FallbackRules
from nano_flow.plan.plan import PlannedBudget
from nano_flow.ports import RecordedWork
from nano_flow.stores.recorded import recorded_work
from tests.gateway.fakes import COST, A, B, Decided, FakeProvider, Outcome, World, ask, reply
from tests.gateway.test_choosing import DictCache
from tests.routing import world as routing

CASCADE = """
cascade:
  tiers: [simple, standard]
  samples: 3
  signals: [{name: disagreement, feature: agreement, curve: [[0, 8], [1, 0]]}]
  escalate_at: 5
"""


def world_of(*cheap: Outcome, **fields: object) -> World:
    """The cheap model answers with the first, its samples with the others; the dear one says 4."""
    policy = routing.policy_of(routing.POLICY.replace("openai/nano", "alpha/one") + CASCADE)
    world = World(**{"extra": {"policy": policy, "rules": FallbackRules(attempts=1)}, **fields})  # type: ignore[arg-type]
    by_sample = list(cheap)

    def answer(request: ChatRequest) -> ChatReply:
        outcome = by_sample[request.sample]
        if isinstance(outcome, BaseException):
            raise outcome
        assert isinstance(outcome, ChatReply)
        return outcome

    world.providers["alpha"] = FakeProvider([answer])
    world.providers["beta"] = FakeProvider([reply("it is 4")])

    def route(question: ModelAsk, circumstances: Circumstances) -> Routed:
        if question.route.model == "auto":
            return Decided((A,), tier="simple", cascade=("standard",))
        return Decided((B,), tier=question.route.model)

    world.extra.setdefault("route", route)
    return world


def verdict(world: World) -> Mapping[str, Json]:
    (found,) = [e.decision["cascade_verdict"] for e in world.events
                if isinstance(e, RouteDecided) and "cascade_verdict" in e.decision]  # fmt: skip
    assert isinstance(found, dict)
    return found


def test_samples_that_agree_keep_the_reply_and_are_paid() -> None:
    world = world_of(reply("so 7"), reply("7 it is"), reply("thus 7"))
    answer = asyncio.run(world.gateway().call(ask()))
    assert answer.reply.text == "so 7"
    assert answer.cost == Cost(Money(3 * COST), "alpha/one@2025")
    assert world.ledger.totals().spent == 3 * COST
    assert [event.turn for event in cast(list[CallIntended], world.of(CallIntended))] == [
        *(0, SAMPLE_TURNS, 2 * SAMPLE_TURNS)
    ]
    assert {event.address for event in cast(list[CallFinished], world.of(CallFinished))} == {"step"}
    assert len({event.fingerprint for event in cast(list[CallFinished], world.of(CallFinished))}) == 3
    assert (verdict(world)["agreement"], verdict(world)["came"], verdict(world)["escalate"]) == (1.0, 3, False)


def test_samples_that_disagree_escalate() -> None:
    world = world_of(reply("so 7"), reply("8 it is"), reply("thus 9"))
    answer = asyncio.run(world.gateway().call(ask()))
    assert answer.reply.text == "it is 4"
    assert answer.cost == Cost(Money(4 * COST), "beta/one@2025")
    assert [request.sample for request in world.providers["beta"].seen] == [0]


@pytest.mark.parametrize("error", [errors.ServerFailed("down"), errors.BadRequest("no"), errors.RateLimited("slow")])
def test_a_sample_that_fails_is_missing_and_told_of_and_the_reply_stays(error: Exception) -> None:
    world = world_of(reply("so 7"), error, reply("7"))
    assert asyncio.run(world.gateway().call(ask())).reply.text == "so 7"
    assert (verdict(world)["came"], verdict(world)["agreement"]) == (2, 1.0)
    (notice,) = cast(list[NoticeGiven], world.of(NoticeGiven))
    assert notice.message.startswith("sample 1 of alpha/one is missing (")
    assert world.providers["beta"].seen == []


def test_where_no_sample_comes_agreement_is_unknown_and_gives_no_points() -> None:
    world = world_of(reply("so 7"), reply("", finish_reason="stop"), reply("x", finish_reason="length"))
    assert asyncio.run(world.gateway().call(ask())).reply.text == "so 7"
    assert (verdict(world)["came"], verdict(world)["agreement"], verdict(world)["score"]) == (1, None, 0.0)


def test_a_budget_that_has_no_room_for_samples_keeps_the_reply() -> None:
    world = world_of(reply("so 7"), reply("8"), reply("9"), budget=PlannedBudget(usd=Money(290_000)))
    assert asyncio.run(world.gateway().call(ask(max_output_tokens=100))).reply.text == "so 7"
    assert (
        world.ledger.totals().spent == COST
        and "missing (limit: " in cast(NoticeGiven, world.of(NoticeGiven)[0]).message
    )


def test_an_overrun_of_a_sample_stops_the_run_like_any_other() -> None:
    from nano_flow.core.messages import Usage

    dear = reply("7", usage=Usage(input_tokens=10, output_tokens=10**6))
    world = world_of(reply("so 7"), dear, reply("7"), budget=PlannedBudget(usd=Money(10**9)))
    with pytest.raises(errors.LimitReached, match="overrun"):
        asyncio.run(world.gateway().call(ask()))


def test_a_tool_call_is_no_reply_to_compare() -> None:
    call = reply("", tool_calls=(ToolCall("c", "read", "{}"),), finish_reason="tool_calls")
    world = world_of(call)
    assert asyncio.run(world.gateway().call(ask())).reply.tool_calls
    assert len(world.providers["alpha"].seen) == 1


def test_a_fallback_of_a_higher_tier_is_neither_judged_nor_sampled() -> None:
    world = world_of(errors.ServerFailed("down"))
    policy = routing.policy_of(routing.POLICY.replace("openai/mini", "beta/one") + CASCADE)
    world.extra |= {
        "policy": policy,
        "route": lambda question, _: Decided((A, B), tier="simple", cascade=("standard",)),
    }
    assert asyncio.run(world.gateway().call(ask())).reply.text == "it is 4"
    assert len(world.providers["beta"].seen) == 1


def test_samples_are_cached_by_themselves_never_as_copies_of_the_reply() -> None:
    cache = DictCache()
    first = world_of(reply("so 7"), reply("8"), reply("9"))
    first.extra["cache"] = cache
    asyncio.run(first.gateway().call(ask(cache=True)))
    assert len(first.of(CacheHit)) == 0 and len(cache.kept) == 4
    again = world_of(reply("so 7"), reply("7"), reply("7"))
    again.extra["cache"] = cache
    answer = asyncio.run(again.gateway().call(ask(cache=True)))
    assert answer.reply.text == "it is 4" and answer.cost == Cost(Money(0))
    assert len(again.of(CacheHit)) == 4 and again.providers["alpha"].seen == []


def test_samples_are_not_streamed_to_the_reader() -> None:
    world = world_of(reply("so 7"), reply("7"), reply("7"))
    world.extra["stream"] = True
    world.providers["alpha"].pieces = ("so 7",)
    asyncio.run(world.gateway().call(ask()))
    assert [event.text for event in cast(list[TextStreamed], world.of(TextStreamed))] == ["so 7"]


def resumed(cut: Callable[[CallFinished], bool], *, more: Mapping[str, object] | None = None) -> World:
    """A second life of a cascade whose samples disagreed, with the recorded calls that ``cut`` leaves."""
    first = world_of(reply("so 7"), reply("8"), reply("9"))
    asyncio.run(first.gateway().call(ask()))
    left = [e for e in first.events if isinstance(e, CallFinished) and cut(e)]
    world = world_of(reply("so 7"), reply("7"), reply("7"))
    fields = {"calls": recorded_work(left).calls, "finished": frozenset(), **(more or {})}
    world.extra["recorded"] = RecordedWork(
        **{"tools": {}, "tools_in_doubt": {}, "approvals": {}, "asked_at": {}, "waits": {}, "spent": Money(0),
           "possibly_spent": Money(0), "spent_tokens": 0, "active_s": 0.0, **fields}  # type: ignore[arg-type]
    )  # fmt: skip
    return world


def of_cheap(event: CallFinished) -> bool:
    return event.model == "alpha/one"


def test_recorded_samples_are_not_paid_again() -> None:
    world = resumed(of_cheap)
    answer = asyncio.run(world.gateway().call(ask()))
    assert answer.reply.text == "it is 4"
    assert world.providers["alpha"].seen == [] and len(world.providers["beta"].seen) == 1


def test_a_sample_that_a_crash_took_is_drawn_again() -> None:
    world = resumed(lambda event: of_cheap(event) and event.turn < 2 * SAMPLE_TURNS)
    answer = asyncio.run(world.gateway().call(ask()))
    assert [request.sample for request in world.providers["alpha"].seen] == [2]
    assert answer.reply.text == "so 7" and answer.replayed and answer.cost == Cost(Money(COST), "alpha/one@2025")


@pytest.mark.parametrize("how", ["finished", "next turn"])
def test_what_the_run_already_went_on_from_is_not_judged_by_new_samples(how: str) -> None:
    world = resumed(lambda event: of_cheap(event) and event.turn == 0)
    work = cast(RecordedWork, world.extra["recorded"])
    from dataclasses import replace

    next_turn = {("step", 1): work.calls["step", 0]}
    changed = {"finished": frozenset({"step"})} if how == "finished" else {"calls": {**work.calls, **next_turn}}
    world.extra["recorded"] = replace(work, **changed)  # type: ignore[arg-type]
    assert asyncio.run(world.gateway().call(ask())).reply.text == "so 7"
    assert world.providers["alpha"].seen == [] and world.providers["beta"].seen == []


def test_a_turn_number_tells_the_sample() -> None:
    assert turn_and_sample(3) == (3, 0)
    assert turn_and_sample(2 * SAMPLE_TURNS + 1003) == (1003, 2)
