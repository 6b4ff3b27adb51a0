"""Whoever is chosen by price or time is able for the tier; a few calls do not say how fast a model is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue
from nano_flow.routing.choose import decide
from tests.routing import world

POLICY = """nano_flow: 1
tiers:
  simple: {below: 3, models: [openai/nano]}
  complex: {STRENGTHmodels: [openai/large, openai/mini, anthropic/opus, ollama/llama3]}
policies: {default: {choose: CHOOSE}}
"""
STRENGTHS = {"openai/large": 8.0, "openai/mini": 5.0, "anthropic/opus": 7.0}


def catalogue() -> Catalogue:
    def strong(name: str, cards: object) -> object:
        assert isinstance(cards, dict)
        return {key: replace(card, strength=STRENGTHS.get(f"{name}/{key}")) for key, card in cards.items()}

    providers = world.CATALOGUE.providers.items()
    return Catalogue({name: replace(card, models=strong(name, card.models)) for name, card in providers})  # type: ignore[arg-type]


def order(choose: str, strength: str, **seen: object) -> list[str]:
    policy = world.policy_of(POLICY.replace("CHOOSE", choose).replace("STRENGTH", strength))
    decision = decide(world.ask(complexity=9.0), policy, catalogue(), world.observe(**seen))
    return [str(ref) for ref in decision.candidates]


@pytest.mark.parametrize(
    ("choose", "strength", "first"),
    [
        ("cheapest", "", "ollama/llama3"),
        ("cheapest", "strength: 5, ", "openai/mini"),
        ("cheapest", "strength: 7, ", "openai/large"),
        ("fastest", "strength: 7, ", "openai/large"),
        ("cheapest", "strength: 10, ", "ollama/llama3"),
        ("first", "strength: 10, ", "openai/large"),
    ],
)
def test_price_and_time_choose_among_able_models(choose: str, strength: str, first: str) -> None:
    found = order(choose, strength)
    assert found[0] == first and sorted(found) == sorted(order("first", ""))


def test_the_others_follow_the_strongest_first() -> None:
    assert order("cheapest", "strength: 8, ") == ["openai/large", "anthropic/opus", "openai/mini", "ollama/llama3"]


@pytest.mark.parametrize(("calls", "seconds"), [(0, 6.0), (2, 5.0), (10, 0.0), (1000, 0.0)])
def test_a_declared_latency_yields_to_calls_not_to_two_of_them(calls: int, seconds: float) -> None:
    seen = {"openai/large": 0.0} if calls else {}
    world_now = world.observe(latency_s=seen, calls={"openai/large": calls})
    decision = decide(world.ask(model="openai/large"), world.policy_of(), world.CATALOGUE, world_now)
    assert decision.estimates[0].ref == ModelRef("openai", "large")
    assert decision.estimates[0].seconds == pytest.approx(seconds)
