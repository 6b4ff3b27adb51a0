"""Recorded decisions, made again: what the step said of itself stands, and what is not known is not made up."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.core.events import ReplyChecked, RouteDecided
from nano_flow.core.messages import Usage
from nano_flow.core.refs import ModelRef
from nano_flow.project.policies import Policies
from nano_flow.review.asking import Question, request_of, world_of
from nano_flow.review.recorded import Answered, RecordedCall, decide_again, expected_cost, recorded_calls
from nano_flow.review.replaying import replay
from nano_flow.review.revisions import side
from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.rules import PolicyRules, Rule
from tests.review.shipped import shipped_policies
from tests.stores.samples import finished

MODEL, NOW = "openai/gpt-5-nano", 1_790_000_000.0


@pytest.fixture(scope="module")
def policies() -> Policies:
    return shipped_policies()


def call(**more: object) -> RecordedCall:
    decision = {"facts": request_of(Question("Say a word")).facts.as_json(), "because": [], "requested": "auto"}
    return recorded_calls("r", [RouteDecided(1.0, "a", 0, "auto", 1.0, None, {**decision, **more})])[0]  # type: ignore[dict-item]


def test_replies_and_verdicts_without_a_decision_are_no_calls() -> None:
    pinned = RouteDecided(1.0, "b", 0, MODEL, None, None, {"requested": MODEL})
    checked = ReplyChecked(1.0, "a", 0, MODEL, True, "check", "p")
    assert recorded_calls("r", [finished(), checked, pinned, finished("b")]) == []


def test_the_complexity_that_a_step_gave_itself_stands_under_another_policy(policies: Policies) -> None:
    world = world_of(policies, NOW)
    for asked, score in (({"complexity": 9}, 9.0), ({"complexity_at_least": 7}, 7.0), ({"complexity_at_most": 0}, 0.0)):
        assert decide_again(call(asked=asked), policies, world).decision.score == score
    assert decide_again(call(asked=None), policies, world).decision.score == pytest.approx(0.0, abs=3.0)


def test_a_learned_score_of_facts_alone_is_sure_and_one_of_words_is_not(policies: Policies) -> None:
    curve = ((0.0, 0.0), (10.0, 10.0))
    facts_alone = LearnedScore(("prompt_words",), {}, 0.0, 0.0, {}, ((0, 1.0, 2.0, 8.0),), curve)
    world = world_of(policies, NOW)
    for score, unsure in ((facts_alone, ()), (replace(facts_alone, words={b"say": 1.0}), ("learned",))):
        routing = replace(policies.routing, learned=score, learned_weight=1.0)
        again = decide_again(call(), replace(policies, routing=routing), world)
        assert (again.unsure, again.decision.score) == (unsure, 8.0)


def test_what_was_not_answered_or_has_no_price_costs_nothing_that_is_known(policies: Policies) -> None:
    model, usage = ModelRef.parse(MODEL), Usage(input_tokens=1000, output_tokens=10)
    answered = replace(call(), usage=usage)
    assert expected_cost(answered, model, policies, NOW)
    assert expected_cost(call(), model, policies, NOW) is None
    assert expected_cost(answered, None, policies, NOW) is None
    assert expected_cost(answered, ModelRef.parse("openai/of-tomorrow"), policies, NOW) is None


def test_a_replay_leaves_unpriced_calls_out_of_the_cost_and_unanswered_ones_out_of_the_mean(policies: Policies) -> None:
    usage = Usage(input_tokens=1000, output_tokens=10)
    reply = Answered(MODEL, usage, 2.0, None)
    answered = replace(call(), usage=usage, model=MODEL, duration_s=2.0, replies=(reply,))
    found = replay("new", [(answered, None), (call(), None)], policies)
    assert (found.calls, found.unpriced, found.cost_before) == (2, 1, 0)
    assert found.seconds_before == 2.0
    assert replay("new", [(call(), None)], policies).seconds_before is None


def test_a_revision_needs_git_and_says_so(monkeypatch: pytest.MonkeyPatch, policies: Policies) -> None:
    def missing(*words: object, **more: object) -> None:
        raise FileNotFoundError("git")

    def late(*words: object, **more: object) -> None:
        raise subprocess.TimeoutExpired("git", 1.0)

    for fault, said in ((missing, "git is not installed; name two files"), (late, "did not answer within")):
        monkeypatch.setattr(subprocess, "run", fault)
        with pytest.raises(UsageError, match=said):
            side("HEAD", policies.files)


def test_a_rule_on_personal_data_holds_in_a_replay_though_no_text_was_kept(policies: Policies) -> None:
    rule = Rule(lambda names: "iban" in names["personal"], providers=("ollama",), fallback=False)  # type: ignore[operator]
    routing = replace(policies.routing, policies={"default": PolicyRules(rules=(rule,))}, sees=frozenset({"personal"}))
    asked = request_of(Question("Pay GB82WEST12345698765432")).asked()
    assert asked["personal"] == ["iban"] and "GB82" not in str(asked)
    world = world_of(policies, NOW)
    for said, local in ((asked, True), ({}, False)):
        model = decide_again(call(asked=said), replace(policies, routing=routing), world).decision.model
        assert model is not None and (model.provider == "ollama") is local
