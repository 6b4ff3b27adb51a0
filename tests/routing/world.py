"""A small world to route in: three providers and the simulator, prices, and a policy written as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.documents.pricing import PricingDocument
from nano_flow.documents.routing import RoutingDocument
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.reading import price_lists
from nano_flow.routing.compile import routing_policy
from nano_flow.routing.facts import RunFacts, StepFacts, gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.request import Observations, RouteRequest
from nano_flow.routing.rules import Condition, RoutingPolicy
from nano_flow.source.yaml_nodes import read_yaml

NOW = 1_780_000_000.0
ALL = frozenset({"tools", "json_schema", "vision", "streaming"})

POLICY = """
nano_flow: 1
complexity:
  base: 1
  signals:
    - {name: length, feature: prompt_words, curve: [[0, 0], [100, 9]]}
    - {name: trivial, match: [typo], points: -2}
tiers:
  simple: {below: 3, models: [openai/nano, anthropic/haiku, ollama/llama3, sim/small]}
  standard: {below: 7, models: [openai/mini, anthropic/sonnet, sim/medium]}
  complex: {models: [openai/large, anthropic/opus, sim/large]}
chains:
  openai: [openai/large, openai/mini]
policies:
  default:
    rules:
      - {when: pii, provider: ollama, fallback: false, because: personal data stays local}
      - {when: hard, chain: openai}
  cheap: {choose: cheapest}
  quick: {choose: fastest}
downgrade_to: simple
"""

PRICES = """
nano_flow: 1
currency: USD
per_tokens: 1M
unknown: refuse
models:
  openai/nano: [{from: 2025-01-01, input: 0.05, output: 0.40}]
  openai/mini: [{from: 2025-01-01, input: 0.30, output: 1.20}]
  openai/large: [{from: 2025-01-01, input: 1.20, output: 5.00}]
  anthropic/haiku: [{from: 2025-01-01, input: 0.25, output: 1.25}]
  anthropic/sonnet: [{from: 2025-01-01, input: 3.00, output: 15.00}]
  anthropic/opus: [{from: 2025-01-01, input: 15.00, output: 75.00}]
  ollama/*: free
  sim/*: [{from: 2025-01-01, input: 0.10, output: 0.40}]
"""


def card(name: str, seconds: float | None, can: frozenset[str] | None = ALL, window: int = 100_000) -> ModelCard:
    return ModelCard(ModelRef.parse(name), context_window=window, max_output_tokens=8_000, can=can, total_s=seconds)


def provider(name: str, *models: ModelCard, **more: object) -> ProviderCard:
    cards = {model.ref.model: model for model in models}
    credentials = () if name in ("ollama", "sim") else ((f"{name.upper()}_API_KEY",),)
    return ProviderCard(name, name, None, credentials, models=cards, **more)  # type: ignore[arg-type]


CATALOGUE = Catalogue(
    {
        "openai": provider(
            "openai", card("openai/nano", 2.0), card("openai/mini", 3.0), card("openai/large", 6.0, window=400_000)
        ),
        "anthropic": provider(
            "anthropic", card("anthropic/haiku", 1.0), card("anthropic/sonnet", 4.0), card("anthropic/opus", 9.0)
        ),
        "ollama": provider("ollama", card("ollama/llama3", None, frozenset({"streaming"}), 8_000), open=True),
        "sim": ProviderCard(
            "sim", None, "sim", models={n: card(f"sim/{n}", 0.0) for n in ("small", "medium", "large")}
        ),
    }
)


def tagged(expression: str, where: SourceRange) -> Condition:
    """Conditions of these tests: the name of a tag."""

    def holds(names: Mapping[str, Json]) -> bool:
        tags = names["tags"]
        assert isinstance(tags, list)
        return expression in tags

    return holds


def policy_of(text: str = POLICY) -> RoutingPolicy:
    source = read_yaml(text, "routing.yaml")
    return routing_policy(RoutingDocument.model_validate(source.data), source.value_range, tagged)


LISTS = price_lists(PricingDocument.model_validate(read_yaml(PRICES, "pricing.yaml").data))


def observe(**changes: object) -> Observations:
    return Observations(prices=Prices(LISTS), now=NOW, **changes)  # type: ignore[arg-type]


def ask(prompt: str = "Fix it.", *, tags: tuple[str, ...] = (), **changes: object) -> RouteRequest:
    reading = read_text(prompt)
    facts = gather(reading, StepFacts(tags=tags), RunFacts())
    names = {field.name for field in fields(RouteSpec)} & changes.keys()
    route = RouteSpec(**{name: changes.pop(name) for name in names})  # type: ignore[arg-type]
    return RouteRequest(facts=facts, reading=reading, route=route, **changes)  # type: ignore[arg-type]
