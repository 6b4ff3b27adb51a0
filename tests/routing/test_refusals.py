"""A refusal tells its true cause first, equal reasons once, and no budget moves what was named."""

from __future__ import annotations

import pytest

from nano_flow.core.money import money
from nano_flow.core.refs import ModelRef
from nano_flow.routing.choose import decide
from nano_flow.routing.refusals import Refusal, cause, told
from nano_flow.routing.request import NoCandidate, RouteDecision, RouteRequest
from tests.routing.world import CATALOGUE, POLICY, ask, observe, policy_of


def decided(request: RouteRequest, budget: str, text: str = POLICY, **world: object) -> RouteDecision:
    return decide(request, policy_of(text), CATALOGUE, observe(budget_left=money(budget), **world))


@pytest.mark.parametrize(
    "request_",
    [
        ask(model="anthropic/opus"),
        ask(complexity=9.0, fallback=False),
        ask(model="openai/large", fallback=("openai/nano",)),
    ],
)
def test_a_budget_moves_no_model_that_was_named_and_no_step_without_a_fallback(request_: RouteRequest) -> None:
    with pytest.raises(NoCandidate, match=r"^the worst case of the call is above what is left of the budget: no model"):
        decided(request_, "0.01")


def test_without_fallbacks_the_budget_does_not_choose_another_model() -> None:
    with pytest.raises(NoCandidate, match=r"^the worst case"):
        decided(ask(complexity=9.0), "0.01", no_fallback=True)


def test_a_routed_step_may_go_to_a_cheaper_model_that_is_there_and_it_is_said() -> None:
    decision = decided(ask(complexity=9.0), "0.05")
    assert str(decision.model) == "openai/large" and decision.notices == ()
    dearest_first = POLICY.replace("[openai/mini, anthropic/sonnet", "[anthropic/sonnet, openai/mini")
    cheaper = decided(ask(complexity=5.0), "0.02", dearest_first)
    assert str(cheaper.model) == "openai/mini"
    assert cheaper.notices[0].startswith("anthropic/sonnet was passed over (its worst case of $")
    assert cheaper.notices[0].endswith("openai/mini is asked instead")


def test_a_budget_is_no_reason_to_look_for_a_model_on_somebodys_machine() -> None:
    with pytest.raises(NoCandidate, match=r"^the worst case"):
        decided(ask(), "0.000001")
    keyless = frozenset({"openai", "anthropic"})
    assert str(decided(ask(), "0.000001", without_credentials=keyless).model) == "ollama/llama3"


def test_the_cause_is_the_first_by_rank_and_reasons_are_told_once() -> None:
    refs = [ModelRef("p", f"m{number}") for number in range(5)]
    refused = [
        *(Refusal(ref, "provider", "only q may serve") for ref in refs),
        Refusal(ModelRef("q", "m"), "credentials", "no credentials: Q_KEY not set"),
        Refusal(ModelRef("sim", "m"), "simulated", "simulated"),
    ]
    assert cause(refused) == "credentials"
    why, reasons = told(refused)
    assert why == "no key is set: "
    assert reasons.split("\n  ") == ["", "q/m: no credentials: Q_KEY not set", "5 models: only q may serve"]
    assert told([]) == ("", " nothing is listed")


def test_keys_are_beside_the_point_where_money_is_the_cause() -> None:
    refused = [Refusal(ModelRef("q", "m"), "credentials", "no credentials: Q_KEY not set")]
    refused += [Refusal(ModelRef("p", "m"), "budget", "its worst case of $1 is above the $0.5 left")]
    assert "Q_KEY" not in told(refused)[1] and told(refused)[1].endswith("q/m: no credentials")
