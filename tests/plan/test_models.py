"""Models, tiers, prices: what steps name exists, takes what is asked of it, and can be paid under a budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nano_flow.documents.load import load_routing, load_workflow
from nano_flow.plan.compile import compile_workflow
from tests.plan.compiling import ROUTING, context, found, hints, plan_of


def of(step: str, head: str = "", *, warn: bool = False) -> list[str]:
    return [line.partition(" ")[2] for line in found(f"{head}steps: {{a: {{prompt: x, {step}}}}}\n", warn=warn)]


@pytest.mark.parametrize(
    "step",
    [
        "model: auto",
        "model: simple",
        "model: openai/large",
        "model: ollama/whatever",
        "model: azure/deployed",
        "policy: private, provider: [openai, azure]",
        "fallback: openai",
        "fallback: false",
        "fallback: [openai/large, ollama/llama3]",
        "model: openai/mini, params: {seed: 1}",
        "tools: [read_file], output_schema: {}",
        "provider: azure, tools: [read_file]",
        "model: sim/small, tools: [read_file], output_schema: {}",
        "verify: [{judge: ok?, model: complex}]",
        "model: openai/large, tools: [read_file], attachments: [a.png]",
    ],
)
def test_what_exists_may_be_named(step: str) -> None:
    assert of(step) == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("params: {temperature: 0}", ["with temperature: 0 the samples"]),
        ("params: {temperature: 0, seed: 7}", ["with temperature: 0 the samples", "with a seed the samples"]),
        ("params: {temperature: 0.5}", []),
        ("model: sim/small, params: {temperature: 0}", []),
        ("description: plain", []),
    ],
)
def test_samples_that_cannot_differ_are_a_warning(step: str, said: list[str]) -> None:
    cascade = (
        "cascade: {tiers: [simple, local], signals: [{name: s, match: [x], points: 1}], escalate_at: 5, samples: 2}"
    )
    routing = load_routing(ROUTING + cascade + "\n", "routing.yaml").document
    text = f"nano_flow: 1\nname: w\nsteps: {{a: {{prompt: x, {step}}}}}\n"
    result = compile_workflow(load_workflow(text, "w.yaml"), replace(context({}, ()), routing=routing))
    assert [d.code for d in result.diagnostics] == ["NF349"] * len(said)
    assert all(
        d.severity == "warning" and words in d.message for d, words in zip(result.diagnostics, said, strict=True)
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("model: simpel", 'NF342 there is no tier "simpel": expected auto, provider/model or one of "simple", "local"'),
        ("model: large", 'NF342 there is no tier "large"'),
        ("model: openai/", 'NF341 "openai/" is no model: expected provider/model'),
        ("model: opnai/mini", 'NF341 there is no provider "opnai": providers.yaml has "openai", "azure"'),
        ("model: openai/mni", 'NF341 the provider "openai" has no model "mni": it has "mini", "large", "plain"'),
        ("policy: privat", 'NF348 there is no policy "privat": there are "default", "private"'),
        ("provider: opnai", 'NF348 there is no provider "opnai"'),
        ("model: openai/mini, provider: azure", 'NF348 the step wants "openai/mini", but "provider" admits only azure'),
        ("model: openai/mini, params: {temperature: 1}", 'NF343 "openai/mini" does not take "temperature"'),
        ("model: azure/one, params: {temperature: 1, top_p: 1}", 'NF343 "azure/one" takes only one of temperature and'),
        ("model: azure/deployed, params: {top_p: 1}", 'NF343 "azure/deployed" does not take "top_p"'),
        ("model: openai/plain, tools: [read_file]", 'NF344? "openai/plain" lacks the ability "tools"'),
        ("model: openai/plain, output_schema: {}", 'NF344? "openai/plain" lacks the ability "json_schema"'),
        ("model: openai/mini, attachments: [a.PNG]", 'NF344 "openai/mini" lacks the ability "vision"'),
        ("fallback: opnai", 'NF348 there is no chain "opnai"'),
        ("fallback: broken", 'NF341 the chain "broken" names "openai/gone", which no provider serves'),
        ("fallback: openai/gone", 'NF341 the provider "openai" has no model "gone"'),
        ("fallback: [openai/large, openai/large]", 'NF346 the fallback comes back to "openai/large"'),
        ("model: openai/mini, fallback: [openai/mini]", 'NF346 the fallback comes back to "openai/mini"'),
        (
            "model: openai/large, fallback: [openai/mini]",
            'NF347? the fallback "openai/mini" has a smaller window than "openai/large": 100,000 against',
        ),
        ("tools: [read_file], fallback: [openai/plain]", 'NF347? the fallback "openai/plain" lacks tools'),
        (
            "provider: cohere, tools: [read_file]",
            'NF344? where this step is "local" and "complex", no model that may answer has the ability "tools"',
        ),
        (
            "model: complex, provider: cohere, output_schema: {}",
            'NF344? where this step is "complex", no model that may answer has the ability "json_schema" (cohere/old)',
        ),
        ("verify: [{judge: ok?, model: nobody}]", 'NF342 there is no tier "nobody"'),
    ],
)
def test_what_does_not_fit_is_said(step: str, expected: str) -> None:
    (line,) = of(step)
    assert line.startswith(expected)


def test_without_a_routing_document_tiers_and_chains_are_let_pass() -> None:
    text = "nano_flow: 1\nname: t\nsteps: {a: {prompt: x, model: any, fallback: some, policy: mine}}\n"
    result = compile_workflow(load_workflow(text, "w.yaml"), replace(context({}, ()), routing=None))
    assert result.plan is not None and result.diagnostics == ()


def test_hints_name_the_nearest() -> None:
    assert hints("steps: {a: {prompt: x, model: mini}}\n") == ['write "openai/mini"']
    assert hints("steps: {a: {prompt: x, model: simpel}}\n") == ['did you mean "simple"?']
    assert hints("steps: {a: {prompt: x, model: openai/mni}}\n") == ['did you mean "mini"?']


def test_a_model_in_defaults_is_judged_there_and_once() -> None:
    text = "defaults: {model: openai/mni, params: {top_p: 1}}\nsteps:\n  a: {prompt: x}\n  b: {prompt: y}\n"
    assert [line.split()[:2] for line in found(text)] == [["3:19", "NF341"]]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("model: ollama/llama3", ['NF345 "ollama/llama3" has no price: under a budget it is not asked']),
        ("model: local", ['NF345 no model of the tier "local" has a price: under a budget it is not asked']),
        ("model: simple", []),
        ("model: sim/small", []),
        ("model: azure/deployed", []),
        ("model: auto", []),
    ],
)
def test_under_a_budget_an_unpriced_model_is_refused(step: str, expected: list[str]) -> None:
    assert of(step, "limits: {budget: {usd: 1}}\n") == expected
    assert of(f"{step}, budget: {{usd: 1}}") == expected
    assert of(f"{step}, budget: {{tokens: 10}}") == []
    assert of(step) == []


def test_unknown_warn_lets_an_unpriced_model_pass() -> None:
    lines = of("model: ollama/llama3", "limits: {budget: {usd: 1}}\n", warn=True)
    assert lines == ['NF345? "ollama/llama3" has no price: what it costs does not count against the budget']


def test_a_group_and_a_caller_share_their_budget() -> None:
    text = "steps: {g: {budget: {usd: 1}, steps: {a: {prompt: x, model: ollama/l}}}}\n"
    assert [line.split()[1] for line in found(text)] == ["NF345"]
    sub = {"sub.yaml": "nano_flow: 1\nname: s\nsteps: {a: {prompt: x, model: ollama/l}}\n"}
    called = "steps: {s: {workflow: sub.yaml}}\n"
    assert [line.split()[1] for line in found("limits: {budget: {usd: 1}}\n" + called, sub)] == ["NF345"]
    assert plan_of(called, sub).files.keys() == {"/project/w.yaml", "/project/sub.yaml"}
