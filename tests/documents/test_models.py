"""The document models: what the language's contract writes is read, typed and complete."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from nano_flow.documents.agent import CheckVerify, JudgeVerify
from nano_flow.documents.common import duration_seconds, token_count
from nano_flow.documents.load import load_pricing, load_providers, load_routing, load_tests, load_workflow
from nano_flow.documents.steps import STEP_KINDS, GroupStep, PromptStep, RunStep, Step, SwitchStep
from nano_flow.documents.tests import WorkflowTestsDocument
from nano_flow.documents.workflow import CommandTool, McpTool, WorkflowDocument

WORKFLOW = """\
nano_flow: 1
name: review-change
description: Review a change file by file, then write one report.
inputs:
  diff:   {type: string, description: A unified diff}
  strict: {type: boolean, default: false}
env: [CI]
defaults: {timeout: 2m, max_output_tokens: 2k}
limits:
  budget: {usd: 0.50, tokens: 400k, warn_at: 0.8, downgrade_at: 0.9, on_exceed: stop}
  timeout: 15m
  max_parallel: 16
  steps: 100k
  finally: {usd: 0.02, timeout: 1m}
workspace: .
tools:
  tracker: {mcp: {command: [uvx, tracker-mcp], env: {TOKEN: "${TRACKER_TOKEN}"}}}
  run_command: {allow: [git, pytest]}
  run_tests:
    description: Run the project's tests
    parameters: {type: object, properties: {path: {type: string, pattern: "^[^-]"}}, required: [path]}
    run: [pytest, -q, "{{ args.path }}"]
steps:
  triage:
    prompt: Which files need a review? {{ inputs.diff }}
    output_schema: {type: object, properties: {files: {type: array, maxItems: 50}}, required: [files]}
  review:
    for_each: steps.triage.output.files
    as: file
    max_parallel: 8
    on_item_failure: continue
    prompt: Review {{ file }}.
    tools: [read_file, search_files]
    complexity: {at_least: 4}
  report:
    prompt: One report. {{ steps.review.output }}
    model: standard
    verify:
      - {check: "'TODO' not in output", message: no placeholders}
      - {judge: "Is every claim tied to a file?", at_least: 0.7}
    repair: {max_attempts: 2, escalate: true}
  ship:
    needs: report
    when: not inputs.strict
    approve: {message: "Publish?", options: [publish, discard], timeout: 24h, on_timeout: discard}
  poll:
    run: [sleep, 1, 1.50, true]
    repeat: {until: output.exit_code == 0, max_iterations: 3, every: 10s, as: round}
  route:
    switch:
      value: steps.triage.output.kind
      cases: {bug: {prompt: x}, 1: {steps: {inner: {set: {a: 1}}}}}
      default: {finish: nothing to do}
outputs:
  report: "{{ steps.report.output }}"
on_failure:
  tell: {run: [./notify.sh, "{{ run.id }}"]}
finally:
  clean: {run: [rm, -rf, build]}
"""


@pytest.fixture(scope="module")
def workflow() -> WorkflowDocument:
    return load_workflow(WORKFLOW, "w.yaml").document


def test_a_whole_workflow_is_typed(workflow: WorkflowDocument) -> None:
    assert workflow.limits is not None and workflow.limits.budget is not None
    assert workflow.limits.budget.usd == Decimal("0.50")
    assert (workflow.limits.budget.tokens, workflow.limits.timeout, workflow.limits.steps) == (400_000, 900.0, 100_000)
    assert workflow.defaults is not None and workflow.defaults.max_output_tokens == 2000
    assert isinstance((workflow.tools or {})["tracker"], McpTool)
    assert isinstance((workflow.tools or {})["run_tests"], CommandTool)
    assert list(workflow.finally_ or {}) == ["clean"]


def step(workflow: WorkflowDocument, name: str, kind: type[Any]) -> Any:
    found: Step = workflow.steps[name]
    assert isinstance(found, kind)
    return found


def test_steps_are_of_the_kind_of_their_key(workflow: WorkflowDocument) -> None:
    assert step(workflow, "ship", object).needs == ["report"]
    checks = step(workflow, "report", PromptStep).verify
    assert [type(check) for check in checks] == [CheckVerify, JudgeVerify]
    switch = step(workflow, "route", SwitchStep).switch
    assert isinstance(switch.cases["1"], GroupStep)
    assert switch.default.kind == "finish"


def test_arguments_are_taken_as_they_were_written(workflow: WorkflowDocument) -> None:
    assert step(workflow, "poll", RunStep).run == ["sleep", "1", "1.50", "true"]


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_every_kind_takes_every_modifier(kind: str) -> None:
    bodies: dict[str, object] = {
        "run": ["ls"], "set": {"a": 1}, "approve": {"message": "?"}, "steps": {"b": {"prompt": "x"}}, "wait": "1s",
        "switch": {"value": "x", "cases": {"a": {"prompt": "x"}}},
    }  # fmt: skip
    modifiers: dict[str, object] = {
        "needs": ["z"], "trigger_rule": "all_done", "when": "x", "for_each": [1], "as": "x", "max_parallel": 2,
        "max_items": 5, "on_item_failure": "cancel", "repeat": {"max_iterations": 2}, "retry": {"max_attempts": 2},
        "timeout": "5s", "budget": {"usd": 1}, "on_error": {"output": None}, "description": "d", "tags": ["t"],
    }  # fmt: skip
    data = {"nano_flow": 1, "name": "t", "steps": {"a": {kind: bodies.get(kind, "x"), **modifiers}}}
    found = WorkflowDocument.model_validate(data).steps["a"]
    assert found.kind == kind
    assert found.retry is not None and found.retry.max_attempts == 2


@pytest.mark.parametrize(
    ("written", "seconds"), [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172800), ("2.5s", 2.5)]
)
def test_durations(written: str, seconds: float) -> None:
    assert duration_seconds(written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", ["", "30", "s", "-1s", "1 s", "1:30", "30s\n", 30, None, True, "1y"])
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_seconds(written)


@pytest.mark.parametrize(("written", "count"), [(0, 0), (2000, 2000), ("200k", 200_000), ("1.5M", 1_500_000)])
def test_token_counts(written: object, count: int) -> None:
    assert token_count(written) == count


@pytest.mark.parametrize("written", [-1, True, 1.0, "1", "1_000", "1K", "1k\n", None])
def test_what_is_no_token_count(written: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        token_count(written)


@pytest.mark.parametrize("key", ["timeout", "needs", "when", "retry", "budget", "on_error", "model", "tools"])
def test_a_key_without_a_value_is_a_slip(key: str) -> None:
    with pytest.raises(ValidationError):
        PromptStep.model_validate({"prompt": "x", key: None})


def test_the_other_documents() -> None:
    providers = load_providers(
        "nano_flow: 1\nproviders:\n  azure:\n    litellm: azure\n    credentials: [[A], [B, C]]\n"
        "    limits: {tpm: 2M}\n"
        "    models: {gpt-4o: {deployment: d, like: openai/gpt-4o}}\n  sim: {adapter: sim, error_rate: 0.1}\n",
        "providers.yaml",
    ).document
    assert providers.providers["azure"].credentials == [["A"], ["B", "C"]]
    routing = load_routing(
        "nano_flow: 1\ntiers:\n  simple: {below: 3, models: [sim/small]}\n  rest: {models: [sim/large]}\n"
        "policies: {default: {rules: [{when: \"'pii' in tags\", provider: ollama, fallback: false}]}}\n"
        "fallback: {cooldown: {after: 3, for: 60s}}\n",
        "routing.yaml",
    ).document
    assert routing.policies is not None and routing.policies["default"].rules is not None
    assert routing.policies["default"].rules[0].provider == ["ollama"]
    pricing = load_pricing(
        "nano_flow: 1\nmodels:\n  ollama/*: free\n  a/b:\n    - {from: 2025-01-01, input: 0.1, output: 1,"
        " above: {200k: {input: 2.50}}}\n",
        "pricing.yaml",
    ).document
    entry = pricing.models["a/b"][0]
    assert not isinstance(entry, str) and entry.input == Decimal("0.1")


def test_a_document_of_tests() -> None:
    text = (
        "nano_flow: 1\nworkflow: ../review.yaml\ncases:\n  two files:\n    inputs: {diff: x}\n"
        "    replies: {review: [fine, {attempts: [{error: rate_limit}, fine too]}]}\n"
        "    expect:\n      steps: {review: {times: 2, attempts: {at_most: 3}, prompts: {1: {contains: x}}}}\n"
        "      simulated_usd: {at_most: 0.01}\n"
    )
    document: WorkflowTestsDocument = load_tests(text, "a.test.yaml").document
    expected = document.cases["two files"].expect
    assert expected is not None and expected.steps is not None
    assert expected.steps["review"].prompts == {"1": {"contains": "x"}}
