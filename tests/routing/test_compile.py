"""From a document to a policy: every mistake is found, with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.core.refs import ModelRef
from nano_flow.documents.routing import RoutingDocument
from nano_flow.routing.compile import routing_policy
from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.rules import Condition, PolicyRules
from nano_flow.routing.signals import MatchSignal
from nano_flow.source.yaml_nodes import read_yaml
from tests.routing.world import POLICY, policy_of, tagged

TIERS = "tiers: {low: {below: 5, models: [openai/nano]}, high: {models: [openai/large]}}\n"


def wrong(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        policy_of("nano_flow: 1\n" + text)
    return [f"{d.where.line}:{d.where.column} {d.code} {d.message}; {d.hint}" for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiers: {a: {models: [x/y]}, b: {models: [x/y]}}", 'the tier "a" has no "below"'),
        ("tiers: {a: {below: 3, models: [x/y]}}", 'the last tier, "a", has a "below"'),
        (
            "tiers: {a: {below: 3, models: [x/y]}, b: {below: 2, models: [x/y]}, c: {models: [x/y]}}",
            '"below" of the tier "b" is 2, but the tiers above it reach 3 already',
        ),
        ("tiers: {a: {models: [gpt-5]}}", '"gpt-5" is not a model: expected provider/model'),
        ("tiers: {a: {models: [x/y, x/y]}}", '"x/y" is listed twice'),
        (TIERS + "downgrade_to: lo", 'there is no tier "lo"; did you mean "low"?'),
        (TIERS + "policies: {default: {choose: dearest}}", 'there is no way to choose "dearest"'),
        (TIERS + "policies: {default: {rules: [{tier: mid}]}}", 'there is no tier "mid"'),
        (TIERS + "policies: {default: {rules: [{chain: nope}]}}", "known are: none"),
        (TIERS + "policies: {default: {rules: [{choose: wisely}]}}", 'there is no way to choose "wisely"'),
        (TIERS + "policies: {default: {rules: [{tier: low, model: x/y}]}}", "takes one of tier, chain, model"),
        (TIERS + "policies: {default: {rules: [{tier: low, fallback: nope}]}}", 'there is no chain "nope"'),
        (TIERS + "policies: {default: {rules: [{when: bad}]}}", "this condition cannot be"),
        (TIERS + "complexity: {signals: [{name: s, feature: words, curve: [[0, 0]]}]}", 'there is no fact "words"'),
        (
            TIERS + "complexity: {signals: [{name: s, feature: prompt_words, curve: [[1, 0], [1, 2]]}]}",
            'the values of the curve of "s" do not rise',
        ),
        (TIERS + "complexity: {signals: [{name: s, match: ['/(/'], points: 1}]}", 'the pattern "/(/" cannot be used'),
        (TIERS + "complexity: {signals: [{name: s, match: ['…'], points: 1}]}", "holds no letter or digit"),
        (
            TIERS + "cascade: {tiers: [high, low], signals: [{name: s, match: [x], points: 1}], escalate_at: 5}",
            "the tiers of a cascade rise",
        ),
        (
            TIERS + "cascade: {tiers: [low, top], signals: [{name: s, match: [x], points: 1}], escalate_at: 5}",
            'there is no tier "top"',
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    found = wrong(text)
    assert any(said in line for line in found), found
    assert all(" NF5" in line or " NF4" in line for line in found)


@pytest.fixture(autouse=True)
def _bad_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(expression: str, where: SourceRange) -> Condition:
        if expression == "bad":
            raise DocumentError([Diagnostic("error", "NF400", "this condition cannot be", where)])
        return tagged(expression, where)

    monkeypatch.setattr("tests.routing.world.tagged", refusing)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(wrong("tiers: {a: {below: 1, models: [nano, x/y, x/y]}}\ndowngrade_to: b")) == 4


def test_a_whole_document_becomes_a_policy() -> None:
    text = POLICY + (
        "fallback: {max_price_ratio: 4}\n"
        "cascade: {tiers: [simple, complex], base: 1, escalate_at: 5, samples: 2,\n"
        "  signals: [{name: hedging, match: ['not sure'], points: 3}, {name: s, feature: steps, curve: [[0, 1]]}]}\n"
    )
    text = text.replace(
        "  default:\n    rules:\n",
        "  default:\n    rules:\n      - {when: never, model: openai/nano, fallback: [openai/mini]}\n"
        "      - {when: false, models: [openai/nano], fallback: openai/mini}\n"
        "      - {when: hard, chain: openai, fallback: openai}\n",
    )
    policy = policy_of(text)
    assert [tier.name for tier in policy.tiers] == ["simple", "standard", "complex"]
    assert policy.tiers[0].at == "routing.yaml:9" and policy.max_price_ratio == 4.0
    first, second, third, *_ = policy.policies["default"].rules
    assert first.models == (ModelRef("openai", "nano"),) and first.fallback == (ModelRef("openai", "mini"),)
    assert second.condition is not None and not second.condition({}) and second.fallback == "openai/mini"
    assert third.fallback == "openai"
    assert policy.cascade is not None and policy.cascade.samples == 2
    assert policy.cascade.next_tier("simple") == "complex"
    assert policy.cascade.next_tier("complex") is None and policy.cascade.next_tier("standard") is None


def test_a_rule_without_a_condition_always_holds() -> None:
    policy = policy_of("nano_flow: 1\n" + TIERS + "policies: {default: {rules: [{tier: high}, {tier: low}]}}")
    assert policy.policies["default"].match({}) is policy.policies["default"].rules[0]
    assert policy_of("nano_flow: 1\n" + TIERS).rules_of("anything") == PolicyRules()


def test_a_pattern_may_stand_in_a_list() -> None:
    text = TIERS + "complexity: {signals: [{name: s, match: ['/a+b/', word], points: 1}]}"
    (signal,) = policy_of("nano_flow: 1\n" + text).scorer.signals
    assert isinstance(signal, MatchSignal) and signal.entries == ("/a+b/", "word")


def test_a_score_beyond_every_bound_belongs_to_the_last_tier() -> None:
    policy = policy_of("nano_flow: 1\n" + TIERS)
    closed = replace(policy, tiers=tuple(replace(tier, below=5.0) for tier in policy.tiers))
    assert closed.tier_for(7) == 1


def test_the_least_document_scores_nothing() -> None:
    policy = policy_of("nano_flow: 1\ntiers: {only: {models: [x/y]}}")
    assert policy.scorer.base == 0 and policy.scorer.signals == ()
    assert policy.tier_for(9) == 0


def test_a_learned_score_is_mixed_in_by_its_weight() -> None:
    text = "nano_flow: 1\n" + TIERS + "complexity: {base: 2, learned: {file: l.yaml, weight: 0.5}}"
    source = read_yaml(text, "routing.yaml")
    learned = LearnedScore((), {}, 0.0, 0.0, {}, (), ((-1.0, 6.0),))
    document = RoutingDocument.model_validate(source.data)
    policy = routing_policy(document, source.value_range, tagged, {"complexity": learned})
    from tests.routing.world import ask

    request = ask("anything")
    score, because = policy.complexity(request.facts, request.reading)
    assert score == 4.0
    assert (because[-1].signal, because[-1].points, because[-1].at) == ("learned", 2.0, "routing.yaml:3")
    assert routing_policy(document, source.value_range, tagged).complexity(request.facts, request.reading)[0] == 2.0
