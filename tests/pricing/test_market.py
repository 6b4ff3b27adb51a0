"""Published prices: read in their units, compared with ours, and written into a table without disturbing it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.core.refs import ModelRef
from nano_flow.locate import PolicyFile
from nano_flow.pricing.market.drift import Difference
from nano_flow.pricing.market.published import PublishedPrices, from_genai, from_litellm
from nano_flow.project.money import market, price_table
from nano_flow.project.money.price_table import PriceChange, open_prices

GPT = ModelRef("openai", "gpt")
LITELLM = json.loads(
    """{
  "gpt": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06,
          "cache_read_input_token_cost": 2.5e-08, "input_cost_per_token_above_272k_tokens": 5e-07,
          "cache_creation_input_token_cost_above_1hr_above_272k_tokens": 1e-6,
          "input_cost_per_token_batches": 1e-07, "mode": "chat", "supports_vision": true},
  "gemini-x": {"litellm_provider": "vertex_ai-language-models", "input_cost_per_token": 1e-06,
               "output_cost_per_token": 1e-05},
  "gemini/gemini-x": {"litellm_provider": "gemini", "input_cost_per_token": 2e-06, "output_cost_per_token": 2e-05},
  "given-away": {"litellm_provider": "openai", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
}""",
    parse_float=Decimal,
)


def test_litellm_states_dollars_for_one_token() -> None:
    found = from_litellm(LITELLM, GPT, "map")
    assert found is not None
    assert found.kinds == {"input": Decimal("0.25"), "output": Decimal(2), "cached_input": Decimal("0.025")}
    assert found.above == {272_000: {"input": Decimal("0.5"), "cache_write_1h": Decimal(1)}}


def test_a_name_is_looked_up_for_its_own_provider() -> None:
    def price(name: str) -> Decimal | None:
        found = from_litellm(LITELLM, ModelRef.parse(name), "map")
        return None if found is None else found.kinds["input"]

    assert price("vertex/gemini-x") == 1
    assert price("gemini/gemini-x") == 2
    assert price("anthropic/gpt") is None
    assert price("openai/nothing") is None
    assert price("somebody/gpt") is None


def test_a_price_of_nothing_is_nobodys_price() -> None:
    assert from_litellm(LITELLM, ModelRef("openai", "given-away"), "map") is None


@dataclass
class Part:
    id: str = ""
    models: list[object] = field(default_factory=list)
    prices: object = None
    input_mtok: object = None
    output_mtok: object = None
    cache_read_mtok: object = None


def test_genai_prices_states_dollars_for_a_million() -> None:
    prices = Part(input_mtok=Decimal("0.25"), output_mtok=Decimal(2), cache_read_mtok=object())
    openai = Part("openai", [Part("other"), Part("gpt", prices=prices), Part("bare", prices=object())])
    found = from_genai([Part("anthropic"), openai], GPT, "genai")
    assert found == PublishedPrices("genai", {"input": Decimal("0.25"), "output": Decimal(2)})
    assert from_genai([openai], ModelRef("openai", "bare"), "genai") is None
    assert from_genai([openai], ModelRef("openai", "missing"), "genai") is None


TABLE = """\
# ours
nano_flow: 1
models:
  openai/gpt:        # the small one
    - {from: 2025-01-01, input: 0.30, output: 2.00}   # first
    # a comment in between
    - {from: 2025-06-01, input: 0.30, cached_input: 0.03, output: 2.00, batch: 0.5, per_request: 0.001}   # second

  # what follows stays where it is
  vertex/gemini-x:
    - from: 2025-01-01
      input: 9.00      # dear
      output: 10
  openai/flow: [{from: 2025-01-01, input: 1, output: 1}]
  ollama/*: free
  openai/later:
    - {from: 2099-01-01, input: 1, output: 1}
"""


def tables(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str = TABLE) -> price_table.PriceTable:
    monkeypatch.setattr(
        price_table, "litellm_prices", lambda: ("LiteLLM 1", lambda ref: from_litellm(LITELLM, ref, "L"))
    )
    monkeypatch.setattr(price_table, "genai_prices", lambda: None)
    path = folder / "pricing.yaml"
    path.write_text(text)
    return open_prices([PolicyFile("pricing.yaml", path, "project")])


def test_differences_name_kind_tier_and_both_prices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ((_, checked),) = tables(monkeypatch, tmp_path).check(1.8e9)
    found = {model.name: model for model in checked}
    assert set(found["openai/gpt"].differences) == {
        Difference("input", -1, Decimal("0.3"), Decimal("0.25")),
        Difference("cached_input", -1, Decimal("0.03"), Decimal("0.025")),
        Difference("input", 272_000, None, Decimal("0.5")),
        Difference("cache_write_1h", 272_000, None, Decimal(1)),
    }
    assert found["openai/flow"].published is None and found["openai/flow"].old
    assert not found["openai/gpt"].old and found["openai/gpt"].age_days == 593


def test_an_update_adds_entries_and_touches_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    change = tables(monkeypatch, tmp_path).update([], date(2026, 1, 31))
    added = [line[1:] for line in change.diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    removed = [line for line in change.diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert removed == []
    assert added == [
        "    - from: 2026-01-31",
        "      input: 0.25",
        "      cached_input: 0.025",
        "      output: 2.00",
        "      above: {272k: {input: 0.50, cache_write_1h: 1.00}}",
        "      batch: 0.5",
        "      per_request: 0.001",
        "      source: L",
        "    - {from: 2026-01-31, input: 1.00, output: 10.00, source: L}",
    ]
    assert [line for line in change.after.splitlines() if line not in added] == TABLE.splitlines()
    change.write()
    assert (tmp_path / "pricing.yaml").read_text() == change.after
    again = open_prices([PolicyFile("pricing.yaml", tmp_path / "pricing.yaml", "project")])
    assert again.update([], date(2026, 3, 1)).diff == ""


def test_an_update_may_be_limited_to_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tables(monkeypatch, tmp_path)
    assert "gemini" not in table.update(["openai/gpt"], date(2026, 1, 31)).after.replace(TABLE, "").split("# what")[0]
    with pytest.raises(UsageError, match='"openai/gpd"'):
        table.update(["openai/gpd"], date(2026, 1, 31))


def test_what_cannot_be_edited_line_by_line_is_left_to_people(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = TABLE.replace("openai/flow:", "vertex/gemini-y:").replace(
        "  vertex/gemini-x:\n    - from: 2025-01-01\n      input: 9.00      # dear\n      output: 10\n",
        "  vertex/gemini-x: [{from: 2025-01-01, input: 1, output: 7}]\n",
    )
    change = tables(monkeypatch, tmp_path, text).update(["vertex/gemini-x"], date(2026, 1, 31))
    assert change.diff == "" and "by hand" in change.skipped[0]


def test_a_day_that_is_taken_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    change = tables(monkeypatch, tmp_path).update(["openai/gpt"], date(2025, 6, 1))
    assert change.diff == "" and "later day" in change.skipped[0]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "pricing.yaml"
    path.write_text("other")
    with pytest.raises(UsageError, match="changed while"):
        PriceChange(path, "before", "after", "diff", ()).write()
    assert path.read_text() == "other"
    with pytest.raises(UsageError, match="cannot be written"):
        PriceChange(tmp_path / "missing" / "p.yaml", "a", "b", "d", ()).write()


def test_without_litellm_there_is_nothing_to_update_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tables(monkeypatch, tmp_path)
    monkeypatch.setattr(price_table, "litellm_prices", lambda: None)
    assert table.check(1.8e9) == []
    with pytest.raises(UsageError, match="install litellm"):
        table.update([], date(2026, 1, 31))


def test_both_sources_are_found_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = market.litellm_prices()
    assert found is not None and found[0].startswith("LiteLLM ") and found[1](ModelRef("openai", "gpt-4o")) is not None
    snapshot = ModuleType("genai_prices.data_snapshot")
    provider = Part("openai", [Part("gpt", prices=Part(input_mtok=Decimal(1), output_mtok=Decimal(2)))])
    snapshot.get_snapshot = lambda: Part(id="", models=[], prices=None)  # type: ignore[attr-defined]
    package = ModuleType("genai_prices")
    package.__spec__ = ModuleSpec("genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices", package)
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", snapshot)
    with pytest.raises(UsageError, match="genai-prices cannot be read"):
        market.genai_prices()
    snapshot.get_snapshot = lambda: SimpleNamespace(providers=[provider])  # type: ignore[attr-defined]
    known = market.genai_prices()
    assert known is not None and known[0] == "genai-prices of unknown version"
    prices = known[1](GPT)
    assert prices is not None and prices.kinds == {"input": 1, "output": 2}


def test_a_source_that_is_not_installed_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert market.litellm_prices() is None and market.genai_prices() is None
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert market.litellm_prices() is None
