"""Models that are asked for tools or a schema by prompt: after all others, and never in the place of an able one."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.gateway.route import without_credentials
from nano_flow.locate import policy_files
from nano_flow.plan.catalogue import Catalogue
from nano_flow.project.policies import Policies, read_policies
from nano_flow.routing.choose import decide
from nano_flow.routing.request import NoCandidate, RouteDecision, RouteRequest
from tests.house.tree import ROOT
from tests.routing.world import CATALOGUE, POLICY, ask, card, observe, policy_of, provider

TOOLS, BOTH = frozenset({"tools"}), frozenset({"tools", "json_schema"})

LATELY = 1_795_900_000.0
"""A day on which all that the shipped tiers name had been published."""


def decided(
    request: RouteRequest, *keyless: str, text: str = POLICY, catalogue: Catalogue = CATALOGUE
) -> RouteDecision:
    return decide(request, policy_of(text), catalogue, observe(without_credentials=frozenset(keyless)))


def names(decision: RouteDecision) -> list[str]:
    return [str(ref) for ref in decision.candidates]


def test_where_nobody_has_tools_the_model_without_them_gets_them_by_prompt_and_it_is_said() -> None:
    decision = decided(ask(needs=BOTH), "openai", "anthropic")
    assert names(decision) == ["ollama/llama3"]
    assert decision.estimates[0].by_prompt == ("json_schema", "tools")
    assert decision.notices[-1] == "ollama/llama3 gets its tools and the schema of its output by prompt"
    assert decision.on_use == {}  # it is asked at once
    only_tools = decided(ask(needs=TOOLS), "openai", "anthropic")
    assert only_tools.notices[-1] == "ollama/llama3 gets its tools by prompt"


def test_beside_an_able_model_it_is_refused_wherever_it_stands() -> None:
    first = POLICY.replace(
        "[openai/nano, anthropic/haiku, ollama/llama3", "[ollama/llama3, openai/nano, anthropic/haiku"
    )
    for text in (POLICY, first, first.replace("default:\n", "default:\n    choose: cheapest\n", 1)):
        decision = decided(ask(needs=TOOLS), text=text)
        assert names(decision)[0] == "openai/nano"
        assert {str(r.model): r.reason for r in decision.refused}["ollama/llama3"] == "it lacks tools"
        assert not [notice for notice in decision.notices if "by prompt" in notice]


def test_able_models_of_the_tier_above_come_first() -> None:
    text = POLICY.replace("[openai/nano, anthropic/haiku, ollama/llama3", "[ollama/llama3")
    decision = decided(ask(needs=TOOLS), text=text)
    assert names(decision) == ["openai/mini", "anthropic/sonnet", "ollama/llama3"]
    assert decision.notices[-1] == "ollama/llama3 gets its tools by prompt"
    assert decision.on_use[decision.candidates[-1]] == decision.notices[-1:]


def test_an_able_model_that_needs_no_key_may_not_be_there_so_it_displaces_nobody() -> None:
    local = provider("ollama", card("ollama/llama3", None, frozenset()), card("ollama/able", None))
    catalogue = Catalogue({**CATALOGUE.providers, "ollama": local})
    text = POLICY.replace("ollama/llama3, sim/small", "ollama/llama3, ollama/able, sim/small")
    alone = decided(ask(needs=TOOLS), "openai", "anthropic", text=text, catalogue=catalogue)
    assert names(alone) == ["ollama/able", "ollama/llama3"]


def test_what_cannot_be_said_in_a_prompt_still_refuses() -> None:
    with pytest.raises(NoCandidate, match="ollama/llama3: it lacks tools, vision"):
        decided(ask(needs=TOOLS | {"vision"}), "openai", "anthropic")


def test_one_candidate_is_enough_where_another_fallback_is_named() -> None:
    decision = decided(
        ask(needs=TOOLS, fallback=("openai/mini",)), "anthropic", text=POLICY.replace("openai/nano, ", "")
    )
    assert names(decision) == ["openai/mini", "ollama/llama3"]


@pytest.fixture(scope="module")
def shipped() -> Policies:
    return read_policies(policy_files(ROOT, ROOT, Path.cwd()))


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("azure", "AZURE_OPENAI_API_KEY AZURE_OPENAI_ENDPOINT"),
        ("gemini", "GEMINI_API_KEY"),
        ("gemini", "GOOGLE_API_KEY"),
        ("vertex", "GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT"),
        ("bedrock", "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"),
        ("bedrock", "AWS_BEARER_TOKEN_BEDROCK"),
        ("cohere", "COHERE_API_KEY"),
        ("huggingface", "HF_TOKEN"),
        ("ollama", ""),
    ],
)
def test_with_the_keys_of_one_provider_alone_every_tier_has_its_models(
    shipped: Policies, name: str, variables: str
) -> None:
    keyless = without_credentials(shipped.catalogue, dict.fromkeys(variables.split(), "x"))
    world = observe(without_credentials=keyless)
    for tier in shipped.routing.tiers:
        plain = decide(ask(model=tier.name), shipped.routing, shipped.catalogue, world)
        assert plain.model is not None and plain.model.provider == name
        both = decide(ask(model=tier.name, needs=BOTH), shipped.routing, shipped.catalogue, world)
        assert name in {ref.provider for ref in both.candidates}


def test_a_shipped_tier_names_only_models_that_are_declared_and_those_with_a_price_have_one(shipped: Policies) -> None:
    for tier in shipped.routing.tiers:
        for ref in tier.models:
            found = shipped.catalogue.model(ref)
            assert found is not None and found.declared and found.context_window and found.can is not None
            priced = shipped.prices.entry(ref, LATELY)
            assert ref.provider == "huggingface" or not hasattr(priced, "reason"), ref
