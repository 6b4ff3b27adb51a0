"""The prices that ship: every declared model has one, the design card's are there, and nothing contradicts LiteLLM."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nano_flow.bundled import bundled_path
from nano_flow.core.errors import DocumentError
from nano_flow.core.messages import Usage
from nano_flow.core.money import Cost, Money, Unpriced, money
from nano_flow.core.refs import ModelRef
from nano_flow.locate import POLICY_NAMES, PolicyFile
from nano_flow.project.money.price_table import open_prices
from nano_flow.project.policies import Policies, read_policies

MILLION = 1_000_000
FILES = tuple(PolicyFile(name, bundled_path(name), "bundled") for name in POLICY_NAMES)
NOW = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def policies() -> Policies:
    return read_policies(FILES)


def test_every_declared_model_has_a_price_or_is_said_to_have_none(policies: Policies) -> None:
    cards = [card for provider in policies.catalogue.providers.values() for card in provider.models.values()]
    answers = {str(card.ref): policies.prices.entry(card.ref, NOW) for card in cards}
    unpriced = {name: found.reason for name, found in answers.items() if isinstance(found, Unpriced)}
    assert unpriced
    assert all(name.startswith("huggingface/") and "calls" in reason for name, reason in unpriced.items())


@pytest.mark.parametrize(
    ("model", "day", "dollars"),
    [
        ("openai/gpt-5-mini", "2025-09-01", ("0.30", "0.15", "1.20")),
        ("openai/gpt-5", "2025-09-01", ("1.20", "0.60", "5.00")),
        ("anthropic/claude-3-haiku", "2024-04-01", ("0.25", "0.25", "1.25")),
        ("anthropic/claude-3-sonnet", "2024-04-01", ("3.00", "0.30", "15.00")),
        ("ollama/llama3", "2020-01-01", ("0", "0", "0")),
        ("openai/gpt-5-mini", "2026-12-01", ("0.25", "0.025", "2.00")),
        ("sim/small", "1970-01-02", ("0.10", "0.025", "0.40")),
    ],
)
def test_figures(policies: Policies, model: str, day: str, dollars: tuple[str, str, str]) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    usages = (Usage(MILLION), Usage(cached_input_tokens=MILLION), Usage(output_tokens=MILLION))
    costs = [policies.prices.price(ModelRef.parse(model), usage, at) for usage in usages]
    assert [cost.amount for cost in costs if isinstance(cost, Cost)] == [money(amount) for amount in dollars]


def test_simulated_models_cost_like_a_small_a_medium_and_a_large_one(policies: Policies) -> None:
    costs = []
    for size in ("small", "medium", "large"):
        cost = policies.prices.worst_case(ModelRef("sim", size), 1000, 1000, NOW)
        assert not isinstance(cost, Unpriced)
        costs.append(cost)
    assert costs == sorted(costs) and costs[0] > Money(0) and costs[2] > 10 * costs[0]


def test_what_litellm_knows_it_confirms() -> None:
    ((name, checked), *_) = open_prices(FILES).check(NOW)
    assert name.startswith("LiteLLM")
    known = [model for model in checked if model.published is not None]
    assert len(known) >= 40
    different = {(model.name, d.kind) for model in known for d in model.differences}
    # Gemini has no price for cache writes of its own; LiteLLM fills its column above 200k with that of cache reads.
    assert different <= {("vertex/gemini-2.5-pro", "cache_write"), ("vertex/gemini-3.1-pro-preview", "cache_write")}


def test_a_table_with_faults_is_refused_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "pricing.yaml"
    path.write_text("nano_flow: 1\nmodels:\n  a/m:\n    - {from: 2025-02-30, input: 1, output: 1}\n")
    files = [PolicyFile("pricing.yaml", path, "project") if f.name == "pricing.yaml" else f for f in FILES]
    for read in (read_policies, open_prices):
        with pytest.raises(DocumentError) as caught:
            read(files)
        (found,) = caught.value.diagnostics
        assert (found.code, found.where.line, found.where.column) == ("NF522", 4, 14)
