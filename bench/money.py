"""Pricing a call, reserving and settling, counting tokens beside tiktoken, and a million rows that must add up."""

from __future__ import annotations

import importlib.util
import os
import random
import timeit
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from bench.measure import ROOT, Figure
from nano_flow.bundled import bundled_path
from nano_flow.core.messages import Message, Usage
from nano_flow.core.money import Cost, Money, money
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_pricing
from nano_flow.plan.plan import PlannedBudget
from nano_flow.pricing.budgets import Reservation
from nano_flow.pricing.encodings import O200K, load
from nano_flow.pricing.ledger import Ledger
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.tokens import upper_bound

NOW = 1_800_000_000.0
ROUND = 300
ROWS = 1_000_000


def figures(times: int = 7) -> list[Figure]:
    """Microseconds of each operation; counting as a ratio of tiktoken's own; the rows' error in nano-dollars."""
    document = load_pricing(bundled_path("pricing.yaml").read_bytes(), "pricing.yaml").document
    prices = Prices.from_document(document)
    return [*_operations(prices, times), _counting(times), _rows(prices)]


def _operations(prices: Prices, times: int) -> list[Figure]:
    usage, bill = Usage(1000, 200, 0, 300, 50), Cost(Money(1000))
    model, tiered = ModelRef("openai", "gpt-5-mini"), ModelRef("vertex", "gemini-2.5-pro")
    ledger = Ledger(PlannedBudget(usd=money(1_000_000)))
    messages = (Message("system", "You are brief."), Message("user", "Say hello to everybody. " * 10))

    def reserve() -> None:
        call = ledger.reserve([""], Money(5000), 2000)
        assert isinstance(call, Reservation)
        ledger.settle(call, bill, 1000)

    return [
        Figure(
            "pricing a call",
            _best(lambda: prices.price(model, usage, NOW), times),
            "µs",
            2,
            note="LiteLLM: 142 to 178 µs",
        ),
        Figure("pricing a call by context size", _best(lambda: prices.price(tiered, usage, NOW), times), "µs", 2.5),
        Figure("reserving and settling a call", _best(reserve, times), "µs", 15),
        Figure("bounding the tokens of a small prompt", _best(lambda: upper_bound(messages), times), "µs", 10),
    ]


def _best(operation: Callable[[], object], times: int) -> float:
    """Microseconds of one operation: the best of many short rounds, for at this size a median measures the machine."""
    return min(timeit.repeat(operation, number=ROUND, repeat=100 * times)) / ROUND * 1e6


def _counting(times: int) -> Figure:
    ours = load(O200K)
    assert ours is not None
    import tiktoken

    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")[:20_000]
    with mock.patch.dict(os.environ, {"TIKTOKEN_CACHE_DIR": str(_files())}):
        theirs = tiktoken.get_encoding("o200k_base")
    counted, floor = _best_of(lambda: ours(text), times), _best_of(lambda: len(theirs.encode_ordinary(text)), times)
    return Figure(
        "counting tokens", counted / floor, "× tiktoken", 1.1, note=f"{counted * 1e6:.0f} µs for {len(text)} characters"
    )


def _best_of(operation: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(operation, number=1, repeat=20 * times))


def _files() -> Path:
    """LiteLLM's tokenizer files, so that tiktoken downloads nothing."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"


def _rows(prices: Prices) -> Figure:
    """The sum of a million random bills against the ledger's total."""
    chance, ledger = random.Random(1), Ledger()
    models = [ModelRef.parse(name) for name in prices.lists() if "*" not in name]
    total = 0
    for _ in range(ROWS):
        usage = Usage(chance.randrange(100_000), chance.randrange(5_000), 0, chance.randrange(5_000))
        bill = prices.price(models[chance.randrange(len(models))], usage, NOW)
        call = ledger.reserve([""], Money(0))
        assert isinstance(bill, Cost) and isinstance(call, Reservation)
        ledger.settle(call, bill, usage.total)
        total += bill.amount
    return Figure("a million rows against their total", float(abs(total - ledger.totals().spent)), "nano-dollars", 0)
