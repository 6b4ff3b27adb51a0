"""The catalogue: `like:` inherits, `open:` admits, and what leads nowhere is said."""

from __future__ import annotations

import pytest

from nano_flow.core.errors import DocumentError
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_providers
from nano_flow.plan.catalogue import Catalogue, ModelCard
from nano_flow.plan.catalogue_build import build_catalogue, resolve_catalogue


def catalogue(providers: str) -> Catalogue:
    return build_catalogue(load_providers(f"nano_flow: 1\nproviders:\n{providers}", "providers.yaml").document)


def faults(providers: str) -> list[str]:
    source = load_providers(f"nano_flow: 1\nproviders:\n{providers}", "providers.yaml")
    return [f"{d} {d.hint}".rstrip() for d in resolve_catalogue(source.document, source.source.value_range)[1]]


FULL = """
  openai:
    litellm: openai
    credentials: [KEY]
    base_url: ${URL:-}
    limits: {rpm: 500, tpm: 2M, in_flight: 64}
    timeout: 60s
    models:
      mini:
        context_window: 400k
        max_output_tokens: 128k
        can: [tools, vision]
        params: {refuses: [temperature], max_output_tokens: max_completion_tokens}
        latency: {first_token: 250ms, total: 2s}
  azure:
    litellm: azure
    credentials: [[A], [B, B_URL]]
    models:
      one: {deployment: d, like: openai/mini, params: {refuses: [top_p], seed: s}}
      two: {like: azure/one, context_window: 1k, max_output_tokens: 1k, can: [], latency: {total: 1s, first_token: 1s}}
  sim: {adapter: sim, seed: 3, options: {x: 1}}
  free: {litellm: ollama, open: true}
"""


def test_a_provider_and_its_models() -> None:
    openai = catalogue(FULL).providers["openai"]
    assert (openai.litellm, openai.adapter, openai.credentials) == ("openai", None, (("KEY",),))
    assert (openai.settings, openai.timeout_s) == ({"base_url": "${URL:-}"}, 60.0)
    assert (openai.rpm, openai.tpm, openai.in_flight) == (500, 2_000_000, 64)
    assert openai.models["mini"] == ModelCard(
        ModelRef("openai", "mini"),
        400_000,
        128_000,
        frozenset({"tools", "vision"}),
        frozenset({"temperature"}),
        {"max_output_tokens": "max_completion_tokens"},
        0.25,
        2.0,
    )


def test_like_inherits_what_is_not_said() -> None:
    azure = catalogue(FULL).providers["azure"]
    one, two = azure.models["one"], azure.models["two"]
    assert azure.credentials == (("A",), ("B", "B_URL"))
    assert (one.context_window, one.can, one.deployment) == (400_000, frozenset({"tools", "vision"}), "d")
    assert (one.refuses, one.renames["seed"]) == (frozenset({"temperature", "top_p"}), "s")
    assert (one.priced_as, two.priced_as) == (ModelRef("openai", "mini"), ModelRef("openai", "mini"))
    assert (two.context_window, two.max_output_tokens, two.can, two.total_s) == (1000, 1000, frozenset(), 1.0)
    assert two.deployment is None


def test_extras_and_open_providers() -> None:
    made = catalogue(FULL)
    assert made.providers["sim"].extra == {"x": 1, "seed": 3}
    assert made.model(ModelRef("free", "x")) == ModelCard(ModelRef("free", "x"), declared=False)
    assert made.model(ModelRef("openai", "x")) is None and made.model(ModelRef("x", "y")) is None


def test_like_that_leads_nowhere() -> None:
    text = "  p: {litellm: p, models: {a: {like: p/bb}, bc: {}, c: {like: q/x}}}\n"
    assert faults(text) == [
        'providers.yaml:3:38  error NF550  "p/a" is like "p/bb", which is not declared did you mean "p/bc"?',
        'providers.yaml:3:63  error NF550  "p/c" is like "q/x", which is not declared `extends: shipped` at the top '
        "keeps the models that ship beside your own",
    ]
    with pytest.raises(DocumentError):
        catalogue(text)


def test_like_in_a_circle_is_told_once_with_its_path() -> None:
    text = "  p: {litellm: p, models: {x: {like: p/a}, a: {like: p/b}, b: {like: p/a}, c: {like: p/c}}}\n"
    assert faults(text) == [
        "providers.yaml:3:54  error NF551  models that are like each other: p/a → p/b → p/a",
        "providers.yaml:3:86  error NF551  models that are like each other: p/c → p/c",
    ]


def test_a_long_chain_of_likes() -> None:
    models = ", ".join(f"m{n}: {{like: p/m{n + 1}}}" for n in range(3000))
    made = catalogue(f"  p: {{litellm: p, models: {{{models}, m3000: {{context_window: 7}}}}}}\n")
    assert made.providers["p"].models["m0"].context_window == 7
