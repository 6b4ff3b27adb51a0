"""What validate says of prices in the wrong unit, of models that retire, and of aliases that mean nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from nano_flow.documents.load import load_providers
from nano_flow.locate import policy_files
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.project.checking import check_file
from nano_flow.project.oversights.retiring import retiring
from nano_flow.project.policies import read_policies
from tests.house.tree import ROOT

TODAY = date(2026, 6, 1)


def found(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [f"{d.code} {d.message} {d.hint}" for d in check_file(path)]


@pytest.mark.parametrize(
    ("prices", "unit", "said"),
    [
        ("input: 0.00000025, output: 2", "", "did you mean per_tokens: 1?"),
        ("input: 2.5, output: 10", "per_tokens: 1\n", "did you mean per_tokens: 1M?"),
        ("input: 0.25, output: 2", "", ""),
        ("input: 0, output: 0", "", ""),
    ],
)
def test_prices_a_million_times_off_are_told(tmp_path: Path, prices: str, unit: str, said: str) -> None:
    text = f"nano_flow: 1\n{unit}models: {{a/b: [{{from: 2026-01-01, {prices}}}]}}\n"
    told = found(tmp_path / "pricing.yaml", text)
    assert all("NF525" in line for line in told) and bool(told) == bool(said)
    assert not said or said in told[0]


def test_models_that_retire_are_told_sixty_days_before() -> None:
    days = [(TODAY + timedelta(days=n)).isoformat() for n in (-1, 1, 60, 61)]
    models = "".join(f"      m{n}: {{retires: {day}}}\n" for n, day in enumerate(days))
    text = f"nano_flow: 1\nproviders:\n  p:\n    litellm: openai\n    models:\n{models}"
    catalogue = build_catalogue(load_providers(text, "providers.yaml").document)
    assert [one.said for one in retiring(catalogue, TODAY)] == [
        f"p/m0 is retired since {days[0]}",
        f"p/m1 retires on {days[1]}, in 1 day",
        f"p/m2 retires on {days[2]}, in 60 days",
    ]


def test_the_file_that_declares_a_retired_model_is_warned(tmp_path: Path) -> None:
    text = "nano_flow: 1\nextends: shipped\nproviders: {openai: {models: {old: {retires: 2020-01-01}}}}\n"
    assert [line[:5] for line in found(tmp_path / "providers.yaml", text)] == ["NF556"]


def test_who_names_a_retired_model_is_warned_and_who_declares_what_ships_is_not(tmp_path: Path) -> None:
    own = "nano_flow: 1\nextends: shipped\nproviders: {openai: {models: {old: {retires: 2020-01-01}}}}\n"
    (tmp_path / "providers.yaml").write_text(own)
    tiers = "tiers: {low: {below: 3, models: [openai/gpt-5.4]}, high: {models: [openai/gpt-5.4, openai/old]}}\n"
    said = found(tmp_path / "routing.yaml", f"nano_flow: 1\n{tiers}chains: {{c: [openai/old]}}\n")
    assert [line[:40] for line in said] == ["NF556 openai/old is retired since 2020-0"] * 2
    said = found(tmp_path / "w.yaml", "nano_flow: 1\nname: w\nsteps: {a: {prompt: Hi., model: openai/old}}\n")
    assert [line[:5] for line in said if "NF338" not in line] == ["NF556"]


def test_what_ships_is_told_of_nowhere() -> None:
    assert [d.message for d in check_file(ROOT / "providers.yaml")] == []


@pytest.mark.parametrize("tier", [0, 1, 2])
def test_the_shipped_tiers_name_models_that_stay(tier: int) -> None:
    policies = read_policies(policy_files(ROOT, ROOT, ROOT))
    today = date(2026, 11, 29)
    ending = {found.ref for found in retiring(policies.catalogue, today)}
    assert ending and not ending & set(policies.routing.tiers[tier].models)
    assert not ending & {ref for chain in policies.routing.chains.values() for ref in chain}


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("fast: openai/gpt-5-nona", 'means "openai/gpt-5-nona", which is not declared'),
        ("auto: openai/gpt-5", "cannot be"),
    ],
)
def test_an_alias_means_a_model_that_is_declared(tmp_path: Path, alias: str, said: str) -> None:
    told = found(
        tmp_path / "providers.yaml", f"nano_flow: 1\nextends: shipped\nproviders: {{}}\naliases: {{{alias}}}\n"
    )
    assert len(told) == 1 and "NF555" in told[0] and said in told[0]
