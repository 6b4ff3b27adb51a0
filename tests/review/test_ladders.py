"""Whole ladders under another policy: first ask, verdict, repair, the tiers above; and what is not known of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from nano_flow.core.events import CallFinished, Event, ReplyChecked, RouteDecided
from nano_flow.core.messages import ChatReply, Json, Message, Usage
from nano_flow.core.money import Cost, Money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.sending.fingerprint import prompt_digest
from nano_flow.project.policies import Policies
from nano_flow.review.asking import Question, request_of
from nano_flow.review.labelled.held import Known
from nano_flow.review.ladders.climbing import Climber
from nano_flow.review.ladders.figures import Judged, compared, difference, interval
from nano_flow.review.ladders.known import Knowledge, held_of
from nano_flow.review.ladders.quality import told_by_labels
from nano_flow.review.recorded import KeptText, recorded_calls, with_texts
from nano_flow.review.replaying import replay
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import REPLY_FEATURES
from nano_flow.routing.rules import PolicyRules, Tier
from nano_flow.routing.signals import CurveSignal, Scorer
from tests.review.shipped import shipped_policies

WEAK, STRONG = "openai/gpt-5-nano", "openai/gpt-5"
NOW = 1_790_000_000.0
USAGE = Usage(input_tokens=1000, output_tokens=100)
Asked = tuple[tuple[str, bool | None], ...]
"""The models of one conversation in their order, and what was said of their replies (None: nothing)."""


@pytest.fixture(scope="module")
def shipped() -> Policies:
    return shipped_policies()


def weak_first(shipped: Policies) -> Policies:
    """Two tiers; every prompt begins in the lower one."""
    tiers = (Tier("low", 10.5, (ModelRef.parse(WEAK),)), Tier("high", None, (ModelRef.parse(STRONG),)))
    return replace(shipped, routing=replace(shipped.routing, tiers=tiers, kinds=(), policies={}, cascades={}))


def strong_first(shipped: Policies) -> Policies:
    """The same tiers; every prompt begins in the higher one."""
    policies = weak_first(shipped)
    low, high = policies.routing.tiers
    return replace(policies, routing=replace(policies.routing, tiers=(replace(low, below=0.0), high)))


def price(policies: Policies, model: str) -> float:
    cost = policies.prices.price(ModelRef.parse(model), USAGE, NOW)
    assert isinstance(cost, Cost)
    return float(cost.amount)


@cache
def facts_of(prompt: str) -> dict[str, Json]:
    """Counted once, however often the prompt is recorded."""
    return request_of(Question(prompt)).facts.as_json()


def told(address: str, prompt: str, asked: Asked, climb: int = 1, text: str = "It is so.") -> list[Event]:
    """One conversation as the journal has it."""
    facts = facts_of(prompt)
    digest = prompt_digest([Message("user", prompt)])
    events: list[Event] = []
    for turn, (model, passed) in enumerate(asked):
        said = {"repairs": climb, "may_escalate": climb} | ({"escalate": turn} if turn else {})
        decision: Any = {"facts": facts, "because": [], "requested": "auto", "asked": said, "model": model}
        events.append(RouteDecided(1.0, address, turn, "auto", 1.0, "low", decision))
        reply = ChatReply(text, "stop", USAGE)
        events.append(CallFinished(1.0, address, turn, 0, model, "auto", "f", reply, 1.0, Money(1000)))
        if passed is not None:
            events.append(ReplyChecked(1.0, address, turn, model, passed, "check", digest))
    return events


def known(events: list[Event], run: str = "r") -> list[Known]:
    return [(call, None) for call in recorded_calls(run, events)]


def ends(policies: Policies, calls: list[Known], place: int = 0) -> Any:
    held = held_of(calls)
    return Climber(policies, Knowledge(held), NOW).climb(held[place]).ends


def test_what_the_higher_tier_passed_ends_right_whoever_is_asked_before_it(shipped: Policies) -> None:
    cheap = weak_first(shipped)
    found = ends(cheap, known(told("a", "Say it", ((STRONG, True),))))
    weak, strong = price(cheap, WEAK), price(cheap, STRONG)
    assert found.right == (1.0, 1.0, 1.0) and not found.known
    assert found.cost == pytest.approx((weak, weak + strong / 2, weak + strong))
    found = ends(cheap, known(told("a", "Say it", ((STRONG, False),))))
    assert found.right == (0.0, 0.5, 1.0)


def test_a_ladder_that_is_known_is_followed_to_its_end(shipped: Policies) -> None:
    cheap, dear = weak_first(shipped), strong_first(shipped)
    weak, strong = price(cheap, WEAK), price(cheap, STRONG)
    escalated = known(told("a", "Say it", ((WEAK, False), (STRONG, True))))
    assert ends(cheap, escalated).right == (1.0, 1.0, 1.0)
    assert ends(cheap, escalated).cost == pytest.approx((weak + strong,) * 3)
    assert ends(dear, escalated).cost == pytest.approx((strong,) * 3)
    passed = known(told("a", "Say it", ((WEAK, True),)))
    assert ends(cheap, passed).cost == pytest.approx((weak,) * 3)
    assert ends(dear, passed).right == (0.0, 0.5, 1.0)


def test_a_step_that_never_escalates_has_one_rung(shipped: Policies) -> None:
    failed = known(told("a", "Say it", ((WEAK, False),), climb=0) + told("b", "Say it", ((STRONG, True),), climb=0))
    found = ends(weak_first(shipped), failed)
    assert (found.right, found.cost) == ((0.0, 0.0, 0.0), pytest.approx((price(shipped, WEAK),) * 3))


def test_journals_of_older_versions_tell_by_what_was_escalated_how_far_a_step_may_go(shipped: Policies) -> None:
    events = [*told("s[0]", "Say it", ((WEAK, False), (STRONG, True))), *told("s[1]", "Say that", ((WEAK, True),))]
    calls = known(events)
    for call, _ in calls:
        said = call.decision["asked"]
        assert isinstance(said, dict)
        for name in ("repairs", "may_escalate"):
            said.pop(name)
    assert [each.may_escalate for each in held_of(calls)] == [1, 1]


def test_the_same_prompt_in_another_run_tells_what_is_not_known_in_one(shipped: Policies) -> None:
    calls = [
        *known(told("a", "Say it", ((WEAK, True),)), "one"),
        *known(told("a", "Say it", ((STRONG, False),)), "two"),
    ]
    assert ends(strong_first(shipped), calls).right == (0.0, 0.0, 0.0)
    assert ends(weak_first(shipped), calls, 1).right == (1.0, 1.0, 1.0)


def test_a_model_that_failed_is_not_taken_to_pass_when_it_is_asked_again(shipped: Policies) -> None:
    failed = known(told("a", "Say it", ((STRONG, False), (STRONG, False))))
    found = ends(strong_first(shipped), failed)
    assert found.right == (0.0, 0.0, 0.0)
    assert found.cost == pytest.approx((price(shipped, STRONG) * 2,) * 3)


def with_cascade(shipped: Policies) -> Policies:
    """Replies of more than three words are given up."""
    signal = CurveSignal("length", "", REPLY_FEATURES["reply_words"], (3.0, 4.0), (0.0, 5.0))
    cascade = Cascade(("low", "high"), Scorer(0.0, (signal,)), 5.0)
    policies = weak_first(shipped)
    rules = {"default": PolicyRules(cascade="c")}
    return replace(policies, routing=replace(policies.routing, cascades={"c": cascade}, policies=rules))


@pytest.mark.parametrize(("reply", "right"), [("Yes.", 0.0), ("It is so, I believe.", 1.0)])
def test_a_cascade_judges_the_recorded_reply(shipped: Policies, reply: str, right: float) -> None:
    calls = known(told("a", "Say it", ((WEAK, False), (STRONG, True)), text=reply))
    calls = [(replace(call, decision={**call.decision, "asked": {}}), words) for call, words in calls[:1]]
    more = known(told("b", "Say it", ((STRONG, True),), climb=0))
    policies = with_cascade(shipped)
    assert ends(policies, [*calls, *more]).right == (0.0, 0.5, 1.0)
    kept = with_texts([call for call, _ in calls], {("a", 0): KeptText("Say it", "Say it")})
    assert kept[0].kept is not None
    found = ends(policies, [(kept[0], None), *more])
    assert found.right == (right,) * 3
    assert found.cost[0] == pytest.approx(price(shipped, WEAK) + right * price(shipped, STRONG))


def test_a_text_that_is_not_the_one_that_was_counted_is_not_used() -> None:
    calls = [call for call, _ in known(told("a", "Say the ABC", ((WEAK, True),)))]
    assert with_texts(calls, {("a", 0): KeptText("Say the ***", "")})[0].kept is not None
    assert with_texts(calls, {("a", 0): KeptText("Say the secret", "")})[0].kept is None


def test_known_prompts_are_compared_on_the_same_ones_and_the_others_bound_the_whole(shipped: Policies) -> None:
    events: list[Event] = []
    for n in range(60):
        events += told(f"s[{n}]", f"Say {n}", ((WEAK, False), (STRONG, n % 2 == 0)) if n % 3 == 0 else ((WEAK, True),))
    found = told_by_labels(held_of(known(events)), [], strong_first(shipped), NOW)
    assert found is not None
    figures = found.compared
    assert (figures.prompts, figures.known.prompts, figures.known.right, figures.recorded.right) == (60, 20, 0.5, 0.5)
    assert (figures.all_fail, figures.all_pass) == (pytest.approx(10 / 60), pytest.approx(50 / 60))
    assert figures.bounds == (interval(10, 60)[0], interval(50, 60)[1])
    assert figures.difference is not None and figures.difference.changed == 0
    assert figures.difference.low < 0 < figures.difference.high
    assert figures.selection.recorded == (0.5, 1.0)
    same = told_by_labels(held_of(known(events)), [], weak_first(shipped), NOW)
    assert (
        same is not None and same.compared.known.prompts == 60 and same.compared.known.right == pytest.approx(50 / 60)
    )


def test_replays_name_models_steps_and_tags_with_their_costs(shipped: Policies) -> None:
    events = [*told("a", "Say it", ((WEAK, True),)), *told("b[0]", "Say that", ((WEAK, False), (STRONG, True)))]
    found = replay("dear", known(events), strong_first(shipped)).as_json()
    assert found["models"] == {"before": {WEAK: 1.0}, "after": {STRONG: 1.0}}
    steps: Any = found["by_step"]
    assert list(steps) == ["a", "b"] and steps["a"]["right"] == {"before": 1.0, "all_fail": 0.0, "all_pass": 1.0}
    assert steps["b"]["cost_usd"]["before"] == "0.000002"
    assert found["cost_usd"]["after_low"] < found["cost_usd"]["after_high"]  # type: ignore[index,call-overload,operator]


def test_intervals_are_honest_for_few_prompts_and_narrow_for_400() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert all(high - low <= 0.1 for low, high in (interval(right, 400) for right in range(401)))
    few = difference([0.0] * 5)
    assert few.low < -0.2 and few.high > 0.2 and few.value == 0
    assert compared([]) is None
    by_file = compared([Judged(1.0, 1.0, None)])
    assert by_file is not None and by_file.difference is None
