"""What surrounds an attempt: cache, cooling down, cascades, streaming, the policy's facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from nano_flow.core import errors
from nano_flow.core.events import CacheHit, CallFinished, NoticeGiven, RouteDecided
from nano_flow.core.messages import Attachment, ChatReply, Message, ToolSpec
from nano_flow.core.money import Cost, Money
from nano_flow.core.refs import ModelRef
from nano_flow.documents.routing import RoutingDocument
from nano_flow.gateway.ask import Circumstances, ModelAsk, Routed
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.route import PolicyRouter, has_credentials, without_credentials
from nano_flow.gateway.rules import FallbackRules, fallback_rules
from nano_flow.gateway.sending.streaming import CUT, Shown
from nano_flow.plan.catalogue import Catalogue, ProviderCard
from nano_flow.plan.plan import PlannedBudget
from nano_flow.ports import RecordedWork
from nano_flow.ports.cache import CacheQuestion
from nano_flow.pricing.prices import Prices
from nano_flow.routing.request import NoCandidate
from nano_flow.stores.recorded import recorded_work
from tests.gateway.fakes import COST, Decided, FakeProvider, World, ask, reply
from tests.routing import world as routing


class DictCache:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[ChatReply, Money]] = {}

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        return next((self.kept[key] for key in question.keys if key in self.kept), None)

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        self.kept[question.keys[0]] = (reply, cost)

    async def close(self) -> None: ...


def test_a_cached_reply_costs_nothing_and_says_what_it_saved() -> None:
    cache = DictCache()
    for _ in range(2):
        world = World(extra={"cache": cache})
        answer = asyncio.run(world.gateway().call(ask(cache=True)))
    assert answer.cached
    assert answer.cost == Cost(Money(0))
    (hit,) = cast(list[CacheHit], world.of(CacheHit))
    assert hit.saved == COST
    assert world.ledger.totals().saved == COST
    assert world.providers["alpha"].seen == []
    for other in (ask("else", cache=True), ask(cache=True, max_output_tokens=3), ask(cache=False)):
        assert not asyncio.run(World(extra={"cache": cache}).gateway().call(other)).cached
    served_elsewhere = World(extra={"cache": cache, "base_urls": {"alpha": "http://127.0.0.1"}})
    assert not asyncio.run(served_elsewhere.gateway().call(ask(cache=True))).cached


def test_a_reply_that_is_not_whole_is_not_kept() -> None:
    cache = DictCache()
    world = World(extra={"cache": cache})
    world.providers["alpha"] = FakeProvider([reply("x", finish_reason="length")])
    with pytest.raises(errors.StepError):
        asyncio.run(world.gateway().call(ask(cache=True)))
    assert cache.kept == {}


def test_where_all_are_cooling_down_the_call_waits_instead_of_failing() -> None:
    world = World(candidates=(), extra={"rules": FallbackRules(attempts=1, cooldown_after=1, cooldown_s=30)})
    world.providers["alpha"] = FakeProvider([errors.ServerFailed("x"), reply()])
    cooled: list[frozenset[str]] = []

    def route(question: ModelAsk, circumstances: Circumstances) -> Routed:
        cooled.append(circumstances.cooling)
        if circumstances.cooling:
            raise refused("cooling")
        return Decided((ModelRef("alpha", "one"),))

    world.extra["route"] = route
    gateway = world.gateway()
    with pytest.raises(errors.ServerFailed):
        asyncio.run(gateway.call(ask()))
    assert asyncio.run(gateway.call(ask(turn=1))).reply.text == "fine"
    assert world.clock.slept == [30.0]
    assert cooled == [frozenset(), {"alpha/one"}, frozenset()]
    assert "cooling down" in cast(NoticeGiven, world.of(NoticeGiven)[0]).message


def refused(kind: str) -> NoCandidate:
    from nano_flow.routing.facts import facts_of
    from nano_flow.routing.refusals import Refusal
    from nano_flow.routing.request import RouteDecision

    refusal = Refusal(ModelRef("alpha", "one"), kind, "because")  # type: ignore[arg-type]
    return NoCandidate(RouteDecision("auto", 1.0, "simple", (), (), (refusal,), facts_of("x")))


def test_where_no_budget_is_left_the_run_stops_resumable() -> None:
    world = World()

    def route(question: ModelAsk, circumstances: Circumstances) -> Routed:
        raise refused("budget")

    world.extra["route"] = route
    with pytest.raises(errors.LimitReached, match="resume"):
        asyncio.run(world.gateway().call(ask()))


def test_where_only_keys_are_missing_the_error_names_them_and_the_rehearsal() -> None:
    world = World()

    def route(question: ModelAsk, circumstances: Circumstances) -> Routed:
        raise refused("credentials")

    world.extra |= {
        "route": route,
        "catalogue": Catalogue({"alpha": ProviderCard("alpha", "x", None, (("KEY", "URL"),))}),
    }
    with pytest.raises(errors.BadCredentials, match=r"^no key is set: looked for KEY with URL; .*--offline$"):
        asyncio.run(world.gateway().call(ask()))


CASCADE = """
cascade:
  tiers: [simple, standard]
  signals: [{name: hedging, match: ["not sure"], points: 6}]
  escalate_at: 5
"""


def cascade_world(cheap: str) -> World:
    world = World(extra={"policy": routing.policy_of(routing.POLICY + CASCADE)})
    world.providers["alpha"] = FakeProvider([reply(cheap)])
    world.providers["beta"] = FakeProvider([reply("surely 4")])

    def route(question: ModelAsk, circumstances: Circumstances) -> Routed:
        if question.route.model == "auto":
            return Decided((ModelRef("alpha", "one"),), tier="simple", cascade=("standard",))
        return Decided((ModelRef("beta", "one"),), tier=question.route.model)

    world.extra["route"] = route
    return world


def test_a_cascade_keeps_a_sound_reply_and_pays_for_a_doubtful_one_again() -> None:
    sound = cascade_world("It is 4.")
    assert asyncio.run(sound.gateway().call(ask())).reply.text == "It is 4."
    doubtful = cascade_world("I am not sure.")
    answer = asyncio.run(doubtful.gateway().call(ask()))
    assert answer.reply.text == "surely 4"
    assert answer.cost == Cost(Money(2 * COST), "beta/one@2025")
    assert len(doubtful.of(CallFinished)) == 2
    verdicts = [event.decision.get("cascade_verdict") for event in cast(list[RouteDecided], doubtful.of(RouteDecided))]
    assert [bool(verdict) for verdict in verdicts] == [False, True, False]


@pytest.mark.parametrize("place", [0, 1])
def test_a_resumed_cascade_goes_on_where_it_was(place: int) -> None:
    first = cascade_world("I am not sure.")
    asyncio.run(first.gateway().call(ask()))
    recorded = cast(CallFinished, first.of(CallFinished)[place])
    world = cascade_world("I am not sure.")
    policy = routing.policy_of(routing.POLICY.replace("openai/nano", "alpha/one") + CASCADE)
    world.extra |= {
        "policy": policy,
        "recorded": RecordedWork({("step", 0): recorded}, {}, {}, {}, {}, {}, Money(0), Money(0), 0, 0.0),
    }
    assert asyncio.run(world.gateway().call(ask())).reply.text == "surely 4"
    assert world.providers["alpha"].seen == []
    assert len(world.providers["beta"].seen) == (1 if place == 0 else 0)


def test_a_replayed_reply_tells_of_its_model_what_it_told_when_it_came() -> None:
    def seen(recorded: RecordedWork | None) -> tuple[World, Observed]:
        observed = Observed({"alpha/one": 9.0}, {"alpha/one": 100.0}, {"alpha/one": 3})
        world = World(extra={"observed": observed, "recorded": recorded})
        world.providers["alpha"].before = lambda: setattr(world.clock, "time", world.clock.time + 4.0)
        asyncio.run(world.gateway().call(ask()))
        return world, observed

    world, first = seen(None)
    (call,) = cast(list[CallFinished], world.of(CallFinished))
    _, second = seen(recorded_work([call]))
    assert first.latency_s == second.latency_s == {"alpha/one": 8.0}
    assert first.output_tokens == second.output_tokens == {"alpha/one": 81.0}
    assert first.calls == second.calls == {"alpha/one": 4}


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (["one ", "two"], ["one ", "two ", "three"], ["", " ", "three"]),
        (["one ", "two"], ["one two three"], [" three"]),
        (["one ", "two"], ["one ", "ten", " x"], ["", CUT + "en", " x"]),
        (["one"], ["two"], [CUT + "two"]),
        ([], ["a", "b"], ["a", "b"]),
    ],
)
def test_no_text_is_shown_twice(before: list[str], after: list[str], shown: list[str]) -> None:
    seen = Shown()
    seen.start()
    assert [seen.new(piece) for piece in before] == before
    seen.start()
    assert [seen.new(piece) for piece in after] == shown


def test_a_third_attempt_is_compared_with_all_that_was_seen() -> None:
    seen = Shown()
    for pieces in (["ab"], ["abcd"]):
        seen.start()
        for piece in pieces:
            seen.new(piece)
    seen.start()
    assert seen.new("abcdef") == "ef"


def test_the_policy_sees_what_is_asked() -> None:
    router = PolicyRouter(routing.policy_of(), routing.CATALOGUE, Prices(routing.LISTS), Observed())
    question = ask(
        "fix the typo",
        messages=(Message("user", "fix the typo", attachments=(Attachment("a.png", "image/png", "AA"),)),),
        tools=(ToolSpec("read", "", {}),),
        output_schema={"properties": {"a": {"properties": {"b": {}}}, "c": {"anyOf": [{"properties": {"d": {}}}]}}},
        tags=("x",),
        facts={"max_turns": 7, "iteration": 3, "upstream_tokens": 11},
    )
    decision = router(question, Circumstances(routing.NOW, 20, began_with=Money(2_500_000_000)))
    facts = decision.facts.as_json()
    wanted = {"tool_count": 1, "output_schema_size": 4, "has_images": True, "max_turns": 7, "iteration": 3}
    assert {name: facts[name] for name in wanted} == wanted
    assert (facts["upstream_tokens"], facts["budget_left"], facts["tags"]) == (11, 2.5, ["x"])
    assert decision.candidates


def test_what_is_left_of_a_budget_moves_no_execution_that_has_begun() -> None:
    world = World(budget=PlannedBudget(usd=Money(10_000_000), downgrade_at=0.001))

    async def main() -> None:
        gateway = world.gateway()
        for question in (ask(turn=0), ask(turn=1), ask(turn=1000), replace(ask(), address="other")):
            await gateway.call(question)

    asyncio.run(main())
    begun = [now.began_with for now in world.routed]
    left = [now.budget_left for now in world.routed]
    assert begun[0] == begun[1] == left[0] and left[1] == Money(10_000_000 - COST)
    assert begun[2:] == left[2:]
    assert [now.downgrade for now in world.routed] == [False, False, True, True]


def test_credentials_by_any_complete_set() -> None:
    card = ProviderCard("p", "openai", None, credentials=(("A",), ("B", "C")))
    free = ProviderCard("f", "openai", None)
    assert has_credentials(card, {"A": "x"})
    assert has_credentials(card, {"B": "x", "C": "y"})
    assert not has_credentials(card, {"B": "x", "C": ""})
    assert without_credentials(Catalogue({"p": card, "f": free}), {}) == {"p"}


def test_rules_come_from_the_document_and_keep_their_defaults() -> None:
    tiers = {"simple": {"models": ["a/b"]}}
    plain = RoutingDocument.model_validate({"nano_flow": 1, "tiers": tiers})
    assert fallback_rules(plain) == FallbackRules()
    said = {"attempts": 2, "stop_on": ["timeout"], "cooldown": {"after": 5, "for": "10s"}, "delay": "2s"}
    rules = fallback_rules(RoutingDocument.model_validate({"nano_flow": 1, "tiers": tiers, "fallback": said}))
    assert (rules.attempts, rules.cooldown_after, rules.cooldown_s, rules.delay_s) == (2, 5, 10.0, 2.0)
    assert not rules.tries_another_model("timeout")
    assert rules.tries_another_model("rate_limit")
