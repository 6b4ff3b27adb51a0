"""What a call costs: dated entries, kinds of token, tiers, batches, fees, wildcards, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.messages import Usage
from nano_flow.core.money import Cost, Money, Unpriced, money
from nano_flow.core.refs import ModelRef
from nano_flow.documents.pricing import PricingDocument
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.reading import price_faults, stated_prices

MILLION = 1_000_000
NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def document(models: Mapping[str, object], **more: object) -> PricingDocument:
    return PricingDocument.model_validate({"nano_flow": 1, "models": models, **more})


def prices(models: Mapping[str, object], **more: object) -> Prices:
    return Prices.from_document(document(models, **more))


def ref(text: str) -> ModelRef:
    return ModelRef.parse(text)


def on(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def entry(**kinds: object) -> dict[str, object]:
    return {"from": "2025-01-01", **kinds}


def test_each_kind_of_token_is_priced_once() -> None:
    table = prices(
        {
            "a/m": [
                entry(
                    input=1,
                    cached_input=0.1,
                    cache_write=1.25,
                    cache_write_1h=2,
                    output=5,
                    reasoning=7,
                    audio_input=3,
                    audio_output=9,
                )
            ]
        }
    )
    for usage, dollars in [
        (Usage(input_tokens=MILLION), "1"),
        (Usage(cached_input_tokens=MILLION), "0.1"),
        (Usage(cache_write_tokens=MILLION), "1.25"),
        (Usage(cache_write_1h_tokens=MILLION), "2"),
        (Usage(output_tokens=MILLION), "5"),
        (Usage(reasoning_tokens=MILLION), "7"),
        (Usage(audio_input_tokens=MILLION), "3"),
        (Usage(audio_output_tokens=MILLION), "9"),
        (Usage(1, 1, 1, 1, 1, True, 1, 1, 1), "0.00002835"),
    ]:
        assert table.price(ref("a/m"), usage, NOW) == Cost(money(dollars), "a/m@2025-01-01")


def test_kinds_that_are_not_stated_are_billed_as_input_and_output() -> None:
    table = prices({"a/m": [entry(input=1, output=5)]})
    usage = Usage(cached_input_tokens=MILLION, cache_write_tokens=MILLION, reasoning_tokens=MILLION)
    assert table.price(ref("a/m"), usage, NOW) == Cost(money(7), "a/m@2025-01-01")


@pytest.mark.parametrize("kind", ["cache_write_1h", "audio_input", "audio_output"])
def test_kinds_without_a_habit_are_unpriced_where_they_are_billed(kind: str) -> None:
    table = prices({"a/m": [entry(input=1, output=5)]})
    cost = table.price(ref("a/m"), Usage(**{f"{kind}_tokens": 3}), NOW)
    assert cost == Unpriced(f'3 tokens of kind "{kind}" were billed, for which a/m@2025-01-01 states no price')


def test_the_entry_in_force_when_the_call_was_made_prices_it() -> None:
    table = prices(
        {
            "a/m": [
                {"from": "2026-02-01", "input": 2, "output": 2},
                {"from": "2025-01-01", "input": 1, "output": 1},
            ]
        }
    )
    usage = Usage(input_tokens=MILLION)
    assert table.price(ref("a/m"), usage, on("2026-02-01") - 1) == Cost(money(1), "a/m@2025-01-01")
    assert table.price(ref("a/m"), usage, on("2026-02-01")) == Cost(money(2), "a/m@2026-02-01")
    before = table.price(ref("a/m"), usage, on("2024-12-31"))
    assert before == Unpriced('"a/m" has no price on 2024-12-31: its first entry is of 2025-01-01')
    assert table.worst_case(ref("a/m"), 1, 1, on("2024-12-31")) == before


def test_above_a_context_size_all_of_the_call_is_dearer() -> None:
    table = prices({"a/m": [entry(input=1.25, output=10, above={"200k": {"input": 2.5, "output": 15}})]})
    at_limit = table.price(ref("a/m"), Usage(100_000, 100_000, 0, 1000), NOW)
    above = table.price(ref("a/m"), Usage(100_000, 100_001, 0, 1000), NOW)
    assert at_limit == Cost(money("0.26"), "a/m@2025-01-01")
    assert above == Cost(money("0.5150025"), "a/m@2025-01-01")
    assert table.price(ref("a/m"), Usage(1000), NOW, context_tokens=300_000) == Cost(money("0.0025"), "a/m@2025-01-01")


def test_a_tier_replaces_only_what_it_states() -> None:
    table = prices({"a/m": [entry(input=1, cached_input=0.5, output=4, above={"10": {"input": 2}})]})
    cost = table.price(ref("a/m"), Usage(MILLION, MILLION, 0, MILLION), NOW)
    assert cost == Cost(money("6.5"), "a/m@2025-01-01")


def test_batches_are_cheaper_where_the_entry_says_so() -> None:
    table = prices({"a/m": [entry(input=1, output=2, batch=0.5, per_request=0.01)], "a/n": [entry(input=1, output=2)]})
    usage = Usage(input_tokens=MILLION, output_tokens=MILLION)
    assert table.price(ref("a/m"), usage, NOW, batch=True) == Cost(money("1.51"), "a/m@2025-01-01")
    assert table.price(ref("a/n"), usage, NOW, batch=True) == Cost(money("3"), "a/n@2025-01-01")


def test_a_fee_per_request_is_paid_by_each_call() -> None:
    table = prices({"a/m": [entry(per_request=0.005)]})
    assert table.price(ref("a/m"), Usage(input_tokens=MILLION), NOW) == Cost(money("0.005"), "a/m@2025-01-01")
    assert table.worst_case(ref("a/m"), 10, 10, NOW) == money("0.005")


def test_free_is_a_price_and_unpriced_is_none() -> None:
    table = prices({"ollama/*": "free", "hub/*": "unpriced"})
    assert table.price(ref("ollama/llama3"), Usage(10, 10, 10, 10, 10, True, 1, 1, 1), 0.0) == Cost(
        Money(0), "ollama/*@free"
    )
    assert table.price(ref("hub/x"), Usage(10), NOW) == Unpriced('pricing.yaml calls "hub/*" unpriced')
    assert table.price(ref("other/x"), Usage(10), NOW) == Unpriced('"other/x" has no entry in pricing.yaml')
    assert table.priced(ref("ollama/y"), NOW) and not table.priced(ref("hub/x"), NOW)


def test_the_wildcard_with_most_literal_characters_wins_and_an_exact_name_beats_all() -> None:
    table = prices(
        {
            "openai/*": [entry(input=1, output=1)],
            "openai/gpt-4o*": [entry(input=2, output=2)],
            "openai/*-audio*": [entry(input=3, output=3)],
            "openai/gpt-4o": [entry(input=4, output=4)],
        }
    )
    found = {
        name: table.price(ref(f"openai/{name}"), Usage(MILLION), NOW).amount // 10**9  # type: ignore[union-attr]
        for name in ("gpt-4o", "gpt-4o-x", "gpt-4", "x-audio", "gpt-4o-audio-1")
    }
    assert found == {"gpt-4o": 4, "gpt-4o-x": 2, "gpt-4": 1, "x-audio": 3, "gpt-4o-audio-1": 2}


def test_a_model_that_is_like_another_has_its_price_unless_it_states_its_own() -> None:
    cards = {
        name: ModelCard(ModelRef("azure", name), priced_as=ref("openai/gpt-4o")) for name in ("mine", "own", "lost")
    }
    cards["lost"] = ModelCard(ModelRef("azure", "lost"), priced_as=ref("openai/unknown"))
    catalogue = Catalogue({"azure": ProviderCard("azure", "azure", None, models=cards)})
    models = {
        "openai/gpt-4o": [entry(input=2.5, output=10)],
        "azure/own": [entry(input=9, output=9)],
        "azure/*": [entry(input=7, output=7)],
    }
    table = Prices.from_document(document(models), catalogue)
    costs = [table.price(ref(f"azure/{n}"), Usage(MILLION), NOW) for n in ("mine", "own", "lost")]
    assert costs == [
        Cost(money("2.5"), "openai/gpt-4o@2025-01-01"),
        Cost(money(9), "azure/own@2025-01-01"),
        Cost(money(7), "azure/*@2025-01-01"),
    ]


def test_what_is_finer_than_a_nano_dollar_is_rounded_up_once_per_call() -> None:
    table = prices({"a/m": [entry(input=0.0001, output=0.0001)]})
    assert table.price(ref("a/m"), Usage(1, 0, 0, 1), NOW) == Cost(Money(1), "a/m@2025-01-01")
    assert table.price(ref("a/m"), Usage(5, 0, 0, 5), NOW) == Cost(Money(1), "a/m@2025-01-01")
    assert table.price(ref("a/m"), Usage(6, 0, 0, 5), NOW) == Cost(Money(2), "a/m@2025-01-01")


def test_prices_may_be_stated_for_another_number_of_tokens() -> None:
    table = prices({"a/m": [entry(input=0.001, output=0.002)]}, per_tokens="1k")
    assert table.price(ref("a/m"), Usage(MILLION), NOW) == Cost(money(1), "a/m@2025-01-01")


small = st.integers(0, 5_000)
rate = st.decimals(0, 100, places=4)


@given(st.tuples(small, small, small, small, small), st.tuples(rate, rate, rate, rate, rate), rate)
def test_a_bill_is_exact_and_never_above_the_worst_case_of_its_call(
    tokens: tuple[int, ...], rates: tuple[Decimal, ...], dearer: Decimal
) -> None:
    names = ("input", "cached_input", "cache_write", "output", "reasoning")
    stated = {name: float(r) for name, r in zip(names, rates, strict=True)}
    table = prices({"a/m": [entry(**stated, above={"6k": {"input": float(dearer)}})]})
    usage = Usage(*tokens)
    cost = table.price(ref("a/m"), usage, NOW)
    paid = [dearer if usage.context > 6000 else rates[0], *rates[1:]]
    exact = sum(Fraction(r) * n * 1000 for r, n in zip(paid, tokens, strict=True))
    assert isinstance(cost, Cost)
    assert 0 <= cost.amount - exact < 1
    worst = table.worst_case(ref("a/m"), usage.context, usage.output_tokens + usage.reasoning_tokens, NOW)
    assert not isinstance(worst, Unpriced) and cost.amount <= worst


@given(small, small, rate, rate, rate)
def test_plain_tokens_cost_what_a_bill_of_them_would_say(
    read: int, written: int, one: Decimal, two: Decimal, dearer: Decimal
) -> None:
    stated = entry(input=float(one), output=float(two), per_request=0.01, above={"2k": {"input": float(dearer)}})
    table = prices({"a/m": [stated]})
    bill = table.price(ref("a/m"), Usage(read, output_tokens=written), NOW)
    assert isinstance(bill, Cost)
    assert table.plain(ref("a/m"), read, written, NOW) == bill.amount


def test_plain_tokens_without_a_price_have_no_cost() -> None:
    assert prices({}).plain(ref("a/m"), 1, 1, NOW) is None


def test_a_hundred_thousand_random_calls_add_up() -> None:
    table = prices({"a/m": [entry(input=0.0375, cached_input=0.00375, output=0.15)]})
    seed, total, exact = 1, 0, 0
    model = ref("a/m")
    for _ in range(100_000):
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        usage = Usage(seed & 4095, seed >> 20 & 4095, 0, seed >> 40 & 4095)
        cost = table.price(model, usage, NOW)
        assert isinstance(cost, Cost)
        total += cost.amount
        exact += -(-(usage.input_tokens * 3750 + usage.cached_input_tokens * 375 + usage.output_tokens * 15000) // 100)
    assert total == exact


def test_faults_that_a_schema_cannot_see() -> None:
    found = price_faults(
        document(
            {
                "a/free": "free",
                "a/day": [{"from": "2025-02-30", "input": 1, "output": 1}],
                "a/half": [entry(input=1)],
                "a/fee": [entry(per_request=1)],
                "a/twice": [entry(input=1, output=1), entry(input=2, output=2)],
            },
            per_tokens=0,
        )
    )
    assert [(f.code, f.path) for f in found] == [
        ("NF521", ("per_tokens",)),
        ("NF522", ("models", "a/day", 0, "from")),
        ("NF523", ("models", "a/half", 0)),
        ("NF524", ("models", "a/twice", 1, "from")),
    ]


def test_entries_with_faults_price_nothing() -> None:
    table = prices({"a/day": [{"from": "2025-02-30", "input": 1, "output": 1}], "a/half": [entry(input=1)]})
    assert [table.price(ref(name), Usage(1), NOW) for name in ("a/day", "a/half")] == [
        Unpriced('no entry of "a/day" can be used'),
        Unpriced('no entry of "a/half" can be used'),
    ]


def test_prices_are_shown_as_they_were_stated() -> None:
    table = prices({"a/m": [entry(input=0.0375, cached_input=0.00000125, output=10, batch=0.5)]})
    shown = stated_prices(table.lists()["a/m"].entries[0])
    assert shown == {
        "input": "0.0375",
        "cached_input": "0.00000125",
        "cache_write": "0.0375",
        "output": "10",
        "reasoning": "10",
    }


def test_names_that_an_open_provider_invents_do_not_fill_the_memory() -> None:
    table = prices({"ollama/*": "free"})
    for number in range(10_050):
        assert table.priced(ModelRef("ollama", str(number)), NOW)
    assert len(table._memo) == 10_000
