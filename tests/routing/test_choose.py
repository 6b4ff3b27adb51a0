"""Decisions: what is considered, refused and ordered, and that every reason is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.core.errors import StepError
from nano_flow.core.money import Money, money
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.plan.catalogue import Catalogue
from nano_flow.routing.candidates import output_cap
from nano_flow.routing.choose import CHOICES, decide
from nano_flow.routing.request import Candidate, NoCandidate, Observations, RouteDecision, RouteRequest
from tests.routing.world import ALL, CATALOGUE, POLICY, ask, card, observe, policy_of, provider

POLICY_IN_FORCE = policy_of()


def decided(request: RouteRequest, observations: Observations | None = None) -> RouteDecision:
    return decide(request, POLICY_IN_FORCE, CATALOGUE, observations or observe())


def names(decision: RouteDecision) -> list[str]:
    return [str(ref) for ref in decision.candidates]


def reasons(decision: RouteDecision) -> dict[str, str]:
    return {str(refusal.model): refusal.reason for refusal in decision.refused}


def test_a_simple_prompt_goes_to_the_first_of_the_lowest_tier_and_falls_back_to_the_neighbour_above() -> None:
    decision = decided(ask("Fix the typo."))
    assert decision.tier == "simple" and decision.score == 0
    assert names(decision) == [
        "openai/nano", "anthropic/haiku", "ollama/llama3", "openai/mini", "anthropic/sonnet",
    ]  # fmt: skip
    assert not any("large" in name or "opus" in name for name in names(decision))
    assert "simulated" in reasons(decision)["sim/small"]
    assert [(p.signal, p.points) for p in decision.because] == [
        ("base", 1.0), ("length", pytest.approx(0.27)), ("trivial", -2.0)
    ]  # fmt: skip
    assert decision.because[-1].at == "routing.yaml:7"


def test_scores_select_tiers_at_their_bounds() -> None:
    for score, tier in ((0, "simple"), (2.99, "simple"), (3, "standard"), (6.99, "standard"), (7, "complex")):
        assert decided(ask(complexity=score)).tier == tier


def test_what_a_step_says_of_complexity_bounds_the_score_and_is_a_reason() -> None:
    decision = decided(ask(complexity_at_least=4.0))
    assert (decision.score, decision.tier) == (4.0, "standard")
    assert decision.because[-1].signal == "bounds of the step"
    assert decided(ask("word " * 200, complexity_at_most=2.0)).tier == "simple"


def test_a_rule_wins_over_tiers_pins_and_fallbacks() -> None:
    decision = decided(ask(tags=("pii",)))
    assert names(decision) == ["ollama/llama3"]
    assert "personal data stays local" in reasons(decision)["openai/nano"]
    assert decision.because[-1].signal == "rule: personal data stays local"
    assert decision.because[-1].at == "routing.yaml:17"
    with pytest.raises(NoCandidate, match="only ollama may serve"):
        decided(ask(tags=("pii",), model="openai/large", fallback=False))


def test_a_rule_for_one_provider_finds_its_models_in_other_tiers() -> None:
    decision = decided(ask(tags=("pii",), complexity=9.0))
    assert names(decision) == ["ollama/llama3"]
    assert any("complex lists no model of ollama" in points.signal for points in decision.because)


def test_a_chain_is_followed_in_its_order_and_ends() -> None:
    assert names(decided(ask(tags=("hard",)))) == ["openai/large", "openai/mini"]
    assert names(decided(ask(fallback="openai"))) == ["openai/nano", "openai/large", "openai/mini"]


def test_a_pinned_model_is_first_and_its_chain_follows() -> None:
    assert names(decided(ask(model="openai/large"))) == ["openai/large", "openai/mini"]
    assert names(decided(ask(model="anthropic/haiku")))[:3] == ["anthropic/haiku", "openai/nano", "ollama/llama3"]
    assert names(decided(ask(model="anthropic/haiku", fallback=False))) == ["anthropic/haiku"]
    listed = ask(model="anthropic/haiku", fallback=("openai/mini", "anthropic/haiku"))
    assert names(decided(listed)) == ["anthropic/haiku", "openai/mini"]
    assert decided(ask(model="anthropic/haiku")).requested == "anthropic/haiku"


def test_a_pinned_model_without_its_key_is_not_replaced_where_no_fallback_is_wanted() -> None:
    keyless = observe(without_credentials=frozenset({"anthropic"}), no_fallback=True)
    for fallback in (None, ("openai/mini",)):
        with pytest.raises(NoCandidate, match="ANTHROPIC_API_KEY"):
            decided(ask(model="anthropic/haiku", fallback=fallback), keyless)


def test_a_pinned_simulated_model_never_falls_back_to_a_paid_one() -> None:
    assert names(decided(ask(model="sim/small"))) == ["sim/small"]


def test_a_tier_by_name_escalates_to_the_next_and_stays_at_the_top() -> None:
    assert decided(ask(model="standard")).tier == "standard"
    assert decided(ask(model="standard", escalate=1)).tier == "complex"
    assert decided(ask(escalate=5)).tier == "complex"
    assert decided(ask(model="openai/nano", escalate=1)).tier == "standard"
    with pytest.raises(StepError, match='no tier "gigantic"; tiers are: simple, standard, complex'):
        decided(ask(model="gigantic"))


@pytest.mark.parametrize(
    ("request_", "observed", "model", "reason"),
    [
        (ask(needs=frozenset({"tools"})), {}, "ollama/llama3", "it lacks tools"),
        (ask("w " * 9000, model="simple"), {}, "ollama/llama3", "do not fit its window of 8,000"),
        (ask(), {"without_credentials": frozenset({"openai"})}, "openai/nano", "OPENAI_API_KEY not set"),
        (ask(), {"cooling": frozenset({"anthropic"})}, "anthropic/haiku", "anthropic is cooling down"),
        (ask(), {"cooling": frozenset({"openai/nano"})}, "openai/nano", "openai/nano is cooling down"),
        (ask(), {"budget_left": money("0.002")}, "anthropic/haiku", "its worst case of $0.00512"),
        (ask(providers=("anthropic",)), {}, "openai/nano", "only anthropic may serve (the step says so)"),
        (ask(fallback=False), {}, "anthropic/haiku", "no fallback is wanted here"),
        (ask(), {"no_fallback": True}, "anthropic/haiku", "fallback is off"),
        (ask(fallback=("openai/mini",)), {}, "anthropic/haiku", "another fallback is named"),
        (ask(model="nobody/none"), {}, "nobody/none", "its provider is not declared"),
    ],
)
def test_every_filter_gives_its_reason(
    request_: RouteRequest, observed: dict[str, object], model: str, reason: str
) -> None:
    observations = observe(**observed)
    try:
        decision = decided(request_, observations)
    except NoCandidate as error:
        decision = error.decision
    assert reason in reasons(decision)[model]
    assert model not in names(decision)


def test_a_parameter_that_a_model_refuses_excludes_it_from_routing_but_not_from_a_pin() -> None:
    fussy = replace(card("openai/nano", 1.0), refuses=frozenset({"temperature"}))
    catalogue = Catalogue({**CATALOGUE.providers, "openai": provider("openai", fussy)})
    request = ask(params=frozenset({"temperature"}))
    decision = decide(request, POLICY_IN_FORCE, catalogue, observe())
    assert reasons(decision)["openai/nano"] == "it refuses temperature"
    assert (
        decide(replace(request, route=RouteSpec("openai/nano")), POLICY_IN_FORCE, catalogue, observe()).model
        is not None
    )


def test_an_undeclared_model_is_admitted_until_abilities_or_a_budget_are_asked_for() -> None:
    policy = policy_of(POLICY.replace("ollama/llama3", "ollama/mystery").replace("openai/nano, ", ""))
    catalogue = Catalogue({**CATALOGUE.providers, "openai": provider("openai", open=True)})
    assert "ollama/mystery" in names(decide(ask(), policy, catalogue, observe()))
    asked = decide(ask(needs=frozenset({"tools"})), policy, catalogue, observe())
    assert "nobody knows whether it has tools" in reasons(asked)["ollama/mystery"]
    bounded = decide(ask(model="simple", fallback=("openai/new",)), policy, catalogue, observe(budget_left=money("1")))
    assert "unpriced under a budget" in reasons(bounded)["openai/new"]


def test_offline_only_simulated_models_answer_and_a_pin_keeps_its_name() -> None:
    offline = observe(offline=True)
    assert names(decided(ask(), offline)) == ["sim/small", "sim/medium"]
    pinned = decided(ask(model="anthropic/opus"), offline)
    assert (names(pinned)[0], pinned.requested) == ("sim/large", "anthropic/opus")
    assert reasons(pinned)["anthropic/opus"] == "offline: only simulated models answer"
    assert names(decided(ask(tags=("pii",)), offline)) == ["sim/small"]
    bare = policy_of(POLICY.replace(", sim/small", "").replace(", sim/medium", "").replace(", sim/large", ""))
    assert names(decide(ask(complexity=9.0), bare, CATALOGUE, offline)) == ["sim/large"]


def test_budget_pressure_downgrades_tiers_and_chains_but_not_pins() -> None:
    tight = observe(downgrade=True)
    decision = decided(ask(complexity=9.0), tight)
    assert decision.tier == "simple"
    assert any("downgraded from complex" in points.signal for points in decision.because)
    assert decided(ask(complexity=9.0, tags=("hard",)), tight).tier == "simple"
    assert names(decided(ask(model="openai/large"), tight))[0] == "openai/large"


def test_cheapest_and_fastest_order_by_prices_and_by_what_was_observed() -> None:
    assert names(decided(ask(policy="cheap")))[:3] == ["ollama/llama3", "openai/nano", "anthropic/haiku"]
    assert names(decided(ask(policy="quick")))[:3] == ["anthropic/haiku", "openai/nano", "ollama/llama3"]
    slow = observe(latency_s={"anthropic/haiku": 8.0, "ollama/llama3": 0.5})
    assert names(decided(ask(policy="quick"), slow))[:3] == ["ollama/llama3", "openai/nano", "anthropic/haiku"]
    wordy = observe(output_tokens={"openai/nano": 4000.0})
    assert names(decided(ask(policy="cheap", providers=("openai", "anthropic")), wordy))[0] == "anthropic/haiku"


def test_a_far_dearer_fallback_and_missing_credentials_are_announced() -> None:
    decision = decided(ask(fallback=("anthropic/opus",)), observe(without_credentials=frozenset({"ollama"})))
    assert any("anthropic/opus costs about" in notice for notice in decision.notices)
    missing = decided(ask(), observe(without_credentials=frozenset({"openai"})))
    assert missing.notices[0] == (
        "openai/nano was passed over (no credentials: OPENAI_API_KEY not set): anthropic/haiku is asked instead"
    )


def test_nobody_left_is_an_error_that_names_everybody_and_the_variables() -> None:
    everybody = frozenset({"openai", "anthropic", "ollama"})
    with pytest.raises(NoCandidate) as caught:
        decided(ask(), observe(without_credentials=everybody))
    message = str(caught.value)
    for name in ("openai/nano", "anthropic/haiku", "ollama/llama3", "openai/mini", "anthropic/sonnet"):
        assert name in message
    assert "set OPENAI_API_KEY or ANTHROPIC_API_KEY, or rehearse with --offline" in message
    assert caught.value.kind == "credentials"


def test_a_conversation_keeps_its_model_where_it_still_may_serve() -> None:
    assert names(decided(ask(keep="openai/mini")))[0] == "openai/mini"
    assert names(decided(ask(keep="anthropic/opus")))[0] == "openai/nano"


def test_the_decision_as_json_has_what_the_contract_promises() -> None:
    document = decided(ask("Fix the typo.")).as_json()
    assert document["schema"] == "nano-flow/decision@1"
    assert document["model"] == "openai/nano" and document["tier"] == "simple"
    assert {"signal": "trivial", "points": -2.0, "at": "routing.yaml:7", "found": ["typo"]} in document["because"]  # type: ignore[operator]
    assert document["facts"]["prompt_words"] == 3  # type: ignore[index,call-overload]
    assert {"model": "sim/small"}.items() <= document["refused"][0].items()  # type: ignore[index,union-attr,call-overload]


RULED = POLICY.replace(
    "    rules:\n",
    "    rules:\n      - {when: few, models: [anthropic/haiku, openai/mini], choose: cheapest}\n"
    "      - {when: one, model: openai/large}\n      - {when: up, tier: complex}\n",
)
CASCADE = """
cascade:
  tiers: [simple, standard]
  signals: [{name: s, feature: unfinished, curve: [[0, 0], [1, 6]]}]
  escalate_at: 5
"""


def ruled(request: RouteRequest, observations: Observations | None = None, text: str = RULED) -> RouteDecision:
    return decide(request, policy_of(text), CATALOGUE, observations or observe())


def test_a_rule_may_name_models_a_model_or_a_tier() -> None:
    assert names(ruled(ask(tags=("few",)))) == ["openai/mini", "anthropic/haiku"]
    assert names(ruled(ask(tags=("one",)))) == ["openai/large"]
    assert ruled(ask(tags=("up",))).tier == "complex"
    tight = observe(downgrade=True)
    assert names(ruled(ask(tags=("one",)), tight)) == ["openai/large"]
    assert ruled(ask(tags=("few",)), tight).tier == "simple"
    assert names(ruled(ask(model="openai/nano", tags=("one",))))[0] == "openai/nano"


def test_a_cascade_begins_at_its_lowest_tier_unless_money_or_a_complaint_decides() -> None:
    text = POLICY + CASCADE
    decision = ruled(ask(complexity=5.0), text=text)
    assert (decision.tier, decision.cascade) == ("simple", ("standard",))
    assert any("cascade: simple first" in points.signal for points in decision.because)
    assert ruled(ask(complexity=9.0), text=text).cascade == ()
    assert ruled(ask(complexity=5.0, escalate=1), text=text).cascade == ()
    assert ruled(ask(complexity=5.0), observe(downgrade=True), text).cascade == ()
    assert ruled(ask(model="standard"), text=text).cascade == ()


def test_a_fallback_may_be_one_model_and_an_unknown_chain_is_named() -> None:
    assert names(decided(ask(fallback="anthropic/opus"))) == ["openai/nano", "anthropic/opus"]
    with pytest.raises(StepError, match='no chain "nope"; chains are: openai'):
        decided(ask(fallback="nope"))


def test_providers_of_step_and_rule_must_both_agree() -> None:
    with pytest.raises(NoCandidate, match="only no provider may serve"):
        decided(ask(tags=("pii",), providers=("openai",)))
    lonely = replace(card("rare/only", 1.0), ref=card("rare/only", 1.0).ref)
    catalogue = Catalogue({**CATALOGUE.providers, "rare": provider("rare", lonely)})
    assert names(decide(ask(providers=("rare",)), POLICY_IN_FORCE, catalogue, observe())) == ["rare/only"]


def test_a_pinned_model_outside_of_tiers_and_chains_stands_alone() -> None:
    text = POLICY.replace("anthropic/opus, ", "")
    alone = ruled(ask(model="anthropic/opus"), text=text)
    assert (names(alone), alone.tier) == (["anthropic/opus"], None)
    assert names(ruled(ask(model="anthropic/opus", escalate=1), text=text))[0] == "openai/mini"
    assert names(ruled(ask(model="anthropic/opus"), observe(offline=True), text)) == ["sim/small"]
    top = ruled(ask(model="anthropic/opus"))
    assert names(top) == ["anthropic/opus", "openai/large"]


def test_offline_without_a_simulator_nobody_is_left() -> None:
    catalogue = Catalogue({name: card_ for name, card_ in CATALOGUE.providers.items() if name != "sim"})
    with pytest.raises(NoCandidate) as caught:
        decide(ask(), POLICY_IN_FORCE, catalogue, observe(offline=True))
    assert caught.value.kind == "provider" and caught.value.refused
    assert caught.value.decision.model is None and caught.value.decision.as_json()["model"] is None


def test_what_a_step_asked_for_is_recorded_with_the_decision() -> None:
    request = ask(fallback=("openai/mini",), complexity=0.0, needs=frozenset({"tools"}))
    asked = decided(request).asked
    assert asked == {"fallback": ["openai/mini"], "complexity": 0.0, "needs": ["tools"]}
    assert decided(ask(fallback=False)).decision["asked"] == {"fallback": False}


def test_output_caps_are_as_asked_else_usual_and_never_beyond_the_model() -> None:
    usual, thinker = card("x/y", None), replace(card("x/y", None), can=frozenset({"reasoning"}), max_output_tokens=None)
    assert [output_cap(usual, asked) for asked in (None, 100, 90_000)] == [4096, 100, 8000]
    assert output_cap(thinker, None) == 16_000


MODELS = [str(model.ref) for provided in CATALOGUE.providers.values() for model in provided.models.values()]
LISTED = st.lists(st.sampled_from(MODELS), min_size=1, max_size=5)
REQUESTS = st.builds(
    ask,
    st.sampled_from(["", "Fix the typo.", "word " * 40, "word " * 9000, "设计分布式系统。" * 50]),
    tags=st.sampled_from([(), ("pii",), ("hard",), ("hard", "pii")]),
    model=st.sampled_from(["auto", "simple", "complex", *MODELS]),
    policy=st.sampled_from(["default", "cheap", "quick", "unheard-of"]),
    providers=st.sampled_from([(), ("openai",), ("anthropic", "sim")]),
    fallback=st.one_of(st.none(), st.just(False), st.just("openai"), LISTED.map(tuple)),
    needs=st.sampled_from([frozenset(), frozenset({"tools"}), ALL]),
    escalate=st.integers(0, 3),
    keep=st.one_of(st.none(), st.sampled_from(MODELS)),
)
WORLDS = st.builds(
    observe,
    without_credentials=st.frozensets(st.sampled_from(["openai", "anthropic", "ollama"])),
    cooling=st.frozensets(st.sampled_from(["openai", *MODELS]), max_size=3),
    budget_left=st.one_of(st.none(), st.sampled_from([money("0"), money("0.01"), money("5")])),
    downgrade=st.booleans(),
    offline=st.booleans(),
    no_fallback=st.booleans(),
    latency_s=st.dictionaries(st.sampled_from(MODELS), st.floats(0, 50)),
)


@settings(max_examples=400, deadline=None)
@given(REQUESTS, WORLDS)
def test_every_decision_is_deterministic_finite_and_a_partition(request_: RouteRequest, world: Observations) -> None:
    def once() -> RouteDecision:
        try:
            return decided(request_, world)
        except NoCandidate as error:
            return error.decision

    decision = once()
    assert decision == once()
    candidates = names(decision)
    refused = [str(refusal.model) for refusal in decision.refused]
    assert len(set(candidates + refused)) == len(candidates) + len(refused)
    assert all(refusal.reason for refusal in decision.refused)
    if world.offline:
        assert all(name.startswith("sim/") for name in candidates)
    if request_.route.fallback is False or world.no_fallback:
        assert len(candidates) <= 1


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.sampled_from([card(name, None).ref for name in MODELS]),
        st.one_of(st.none(), st.integers(0, 10**9).map(Money)),
        st.one_of(st.none(), st.floats(0, 100)),
    ),
    unique_by=lambda candidate: candidate.ref,
).map(tuple)


@pytest.mark.parametrize("name", CHOICES)
@given(candidates=CANDIDATES)
def test_every_way_to_choose_is_a_stable_permutation(name: str, candidates: tuple[Candidate, ...]) -> None:
    choose = CHOICES[name]
    ordered = choose(candidates)
    assert sorted(map(str, ordered)) == sorted(map(str, candidates))
    assert choose(ordered) == ordered
    assert choose(candidates) == ordered
    later = decided(ask(model="openai/large"), observe(without_credentials=frozenset({"anthropic"})))
    assert not [notice for notice in later.notices if "passed over" in notice]  # a fallback that was not needed yet
