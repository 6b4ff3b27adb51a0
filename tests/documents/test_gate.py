"""Errors of documents: code, place, words and hint for every kind of slip; both gates agree."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError as JsonSchemaError
from pydantic import ValidationError

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.gate.explain import Finding, explain
from nano_flow.documents.gate.kinds import Kind, kind_of_document, model_of
from nano_flow.documents.gate.located import located_errors
from nano_flow.documents.gate.schema import schema_of
from nano_flow.documents.gate.validator import strict_validator
from nano_flow.documents.load import load_any, load_policy_tests, load_pricing, load_workflow
from nano_flow.source.yaml_nodes import read_yaml
from tests.documents.test_models import WORKFLOW

HEAD = "nano_flow: 1\nname: t\nsteps:\n"


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(DocumentError) as caught:
        load_workflow(text, "w.yaml")
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("step", "code", "column", "message", "hint"),
    [
        ("promt: x", "NF203", 7, 'unknown key "promt" in "steps.a"', 'did you mean "prompt"?'),
        ("prompt: x, if: y", "NF203", 18, 'unknown key "if" in "steps.a"', 'did you mean "when"?'),
        ("prompt: x, depends-on: y", "NF203", 18, 'unknown key "depends-on" in "steps.a"', 'did you mean "needs"?'),
        ("prompt: x, zzz: y", "NF203", 18, 'unknown key "zzz" in "steps.a"', ""),
        ("prompt: 3", "NF204", 15, "expected text or a mapping, found the number 3", 'put it into quotes: "3"'),
        ("prompt: true", "NF204", 15, "expected text or a mapping, found true", 'put it into quotes: "true"'),
        ("prompt: x, timeout: 30", "NF204", 27, "expected a duration such as 30s, 5m or 1h30m, found the number 30",
         "write 30s for seconds"),
        ("prompt: x, timeout: 12:30", "NF205", 27,
         'expected a duration such as 30s, 5m or 1h30m, found the text "12:30"',
         '"12:30" is text: hours and minutes are written 1h30m'),
        ("prompt: x, cache: on", "NF204", 25,
         'expected true or false or a duration such as 30s, 5m or 1h30m, found the text "on"',
         '"on" is text in YAML 1.2: write true'),
        ("prompt: x, repair: {escalate: no}", "NF204", 37, 'expected true or false, found the text "no"',
         '"no" is text in YAML 1.2: write false'),
        ("prompt: x, max_turns: 010", "NF204", 29, 'expected a whole number, found the text "010"',
         "write 10 without quotes"),
        ("prompt: x, max_turns: 1.0", "NF204", 29, "expected a whole number, found the number 1.0", ""),
        ("prompt: x, max_turns: ", "NF204", 29, "expected a whole number, found nothing",
         "a key without a value holds nothing: give one, or remove the key"),
        ("prompt: x, on_error: contnue", "NF207", 28, 'expected "fail" or "continue", found the text "contnue"',
         'did you mean "continue"?'),
        ("prompt: x, retry: {max_attempts: 0}", "NF208", 40, "expected at least 1, found the number 0", ""),
        ("prompt: x, retry: {}", "NF202", 25, 'the key "max_attempts" is missing in "steps.a.retry"', ""),
        ("prompt: ''", "NF209", 15, "this must not be empty", ""),
        ("prompt: x, on_error: 1.5", "NF204", 28, 'expected "fail", "continue" or a mapping, found the number 1.5', ""),
        ("prompt: x, trigger_rule: [a]", "NF207", 32,
         'expected "all_success", "none_failed", "one_success", "none_failed_min_one_success", "one_failed" or '
         '"all_done", found a list', ""),
        ("prompt: 1.50", "NF204", 15, "expected text or a mapping, found the number 1.50",
         'put it into quotes: "1.50"'),
        ("prompt: x, tools: {}", "NF204", 25, "expected a list, found a mapping", ""),
        ("approve: {message: x, options: [" + "a, " * 50 + "a]}", "NF209", 38,
         "expected at most 50 items, found 51", ""),
        ("run: [ls], prompt: x", "NF210", 18, 'a step has one of these keys, found "run" and "prompt"', ""),
        ("wait: 5", "NF204", 13,
         "expected a duration such as 30s, 5m or 1h30m or a template ({{ … }}), found the number 5",
         "write 5s for seconds"),
    ],
)  # fmt: skip
def test_slips(step: str, code: str, column: int, message: str, hint: str) -> None:
    (found,) = errors(f"{HEAD}  a: {{{step}}}\n")
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert (found.where.line, found.where.column) == (4, column)
    assert found.address.startswith("steps.a")


def test_a_name_of_the_wrong_form_is_shown_where_it_stands() -> None:
    (found,) = errors(f"{HEAD}  Review-Code: {{prompt: x}}\n")
    assert (found.code, str(found.where), found.hint) == ("NF206", "w.yaml:4:3", 'for instance "review_code"')


def test_another_version_is_the_only_error() -> None:
    (found,) = errors("nano_flow: 2\nstages: []\n")
    assert (found.code, found.message) == ("NF201", "this build reads version 1 of the language, found the number 2")


@pytest.mark.parametrize("version", ["true", '"1"', "1.0", "", "[1]"])
def test_the_version_is_a_whole_number(version: str) -> None:
    assert [found.code for found in errors(f"nano_flow: {version}\nname: t\nsteps: {{a: {{prompt: x}}}}\n")] == [
        "NF201"
    ]


def test_invisible_keys_are_shown_as_escapes() -> None:
    assert '"ste\\u200bps"' in errors(f'{HEAD}  a: {{prompt: x}}\n"ste\u200bps": 1\n')[0].message


@pytest.mark.parametrize("where", ["steps", "root", "step"])
def test_ten_thousand_slips_are_told_in_a_page_and_in_time(where: str) -> None:
    many = range(10_000)
    texts = {
        "steps": HEAD + "".join(f"  s{n}: {{promt: x}}\n" for n in many),
        "root": f"{HEAD}  a: {{prompt: x}}\n" + "".join(f"k{n}: 1\n" for n in many),
        "step": f"{HEAD}  a:\n    prompt: x\n" + "".join(f"    k{n}: 1\n" for n in many),
    }
    started = time.monotonic()
    found = errors(texts[where])
    assert time.monotonic() - started < 5
    assert len(found) <= 201
    assert found[-1].code == "NF199"


def test_good_entries_of_a_large_document_are_not_judged_again() -> None:
    text = HEAD + "".join(f"  s{n}: {{prompt: x}}\n" for n in range(5000)) + "  bad: {prompt: x, timeout: 3}\n"
    (found,) = errors(text)
    assert (found.where.line, found.address) == (5004, "steps.bad.timeout")


PATHS = [
    ("steps",),
    ("steps", "review"),
    ("steps", "report", "verify", 0),
    ("limits", "budget"),
    ("inputs", "diff"),
    (),
]
VALUES: list[Any] = [None, True, 0, -1, 1.5, "", "x", "5s", "200k", [], ["x"], {}, {"x": 1}, {"prompt": "x"}]
KEYS = [
    "prompt", "run", "timeout", "needs", "when", "retry", "usd", "tokens", "max_parallel", "type", "default", "check",
    "judge", "at_least", "tools", "steps", "outputs", "name", "nano_flow", "as", "for_each", "model", "zzz", "A-b",
]  # fmt: skip


@given(st.sampled_from(PATHS), st.sampled_from(KEYS), st.sampled_from(VALUES))
def test_both_gates_agree_on_any_change(path: tuple[str | int, ...], key: str, value: Any) -> None:
    data = copy.deepcopy(DATA)
    target: Any = data
    for part in path:
        target = target[part]
    target[key] = value
    try:
        model_of("workflow").model_validate(data)
        accepted = True
    except ValidationError:
        accepted = False
    assert VALIDATOR.is_valid(data) == accepted


HOME: dict[str, Any] = {"nano_flow": 1, "tiers": {"t": {"models": ["sim/small"]}}}
STEPS: dict[str, Any] = {"nano_flow": 1, "name": "t", "steps": {"a": {"prompt": "x"}}}


@pytest.mark.parametrize(
    ("kind", "data", "accepted"),
    [
        ("workflow", STEPS, True),
        ("workflow", {**STEPS, "nano_flow": True}, False),
        ("workflow", {**STEPS, "steps": {"a": {"prompt": "x", "fallback": False}}}, True),
        ("workflow", {**STEPS, "steps": {"a": {"prompt": "x", "fallback": 0}}}, False),
        ("routing", {**HOME, "policies": {"p": {"rules": [{"model": "sim/small", "fallback": False}]}}}, True),
        ("routing", {**HOME, "policies": {"p": {"rules": [{"model": "sim/small", "fallback": 0}]}}}, False),
    ],
)
def test_a_number_is_no_boolean_in_either_gate(kind: Kind, data: Any, accepted: bool) -> None:
    assert strict_validator(schema_of(kind)).is_valid(data) == accepted
    if accepted:
        model_of(kind).model_validate(data)
    else:
        with pytest.raises(ValidationError):
            model_of(kind).model_validate(data)


def test_a_fallback_of_zero_is_told_where_it_stands() -> None:
    (found,) = errors(f"{HEAD}  a: {{prompt: x, fallback: 0}}\n")
    assert (found.code, str(found.where)) == ("NF204", "w.yaml:4:28")
    assert found.message == "expected a list, text or false, found the number 0"


DATA = read_yaml(WORKFLOW, "w.yaml").data
VALIDATOR = strict_validator(schema_of("workflow"))


def test_what_only_the_model_refuses_is_told_in_its_words() -> None:
    source = read_yaml(WORKFLOW, "w.yaml")
    with pytest.raises(ValidationError) as caught:
        model_of("workflow").model_validate({**source.data, "name": ""})
    (found,) = located_errors(source, "workflow", caught.value)
    assert (found.code, str(found.where), found.address) == ("NF211", "w.yaml:2:7", "name")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.yaml", {"nano_flow": 1}, "workflow"), ("a.yaml", {"steps": {}}, "workflow"), ("a.yaml", [1], "workflow"),
        ("providers.yaml", {}, "providers"), ("x.yml", {"providers": {}}, "providers"),
        ("r.yaml", {"tiers": 1}, "routing"),
        ("p.yaml", {"models": {}}, "pricing"), ("a.test.yaml", {"workflow": "x"}, "test"), ("a.test.yaml", {}, "test"),
        ("routing.test.yaml", {}, "policy_test"), ("b.test.yaml", {"routing": "x"}, "policy_test"),
        ("c.yaml", {"workflow": "x", "cases": {}}, "test"), ("compose.yaml", {"services": {}}, None),
    ],
)  # fmt: skip
def test_documents_are_recognised(name: str, data: Any, kind: str | None) -> None:
    assert kind_of_document(name, data) == kind


def test_a_file_that_is_not_ours_is_left_alone() -> None:
    assert load_any("services: {}\n", "compose.yaml") is None
    assert load_any(WORKFLOW, "w.yaml") is not None


def test_one_currency() -> None:
    with pytest.raises(DocumentError) as caught:
        load_pricing("nano_flow: 1\ncurrency: EUR\nmodels: {a/b: free}\n", "pricing.yaml")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("NF207", 'expected "USD", found the text "EUR"')


def test_policy_tests_are_read() -> None:
    text = "nano_flow: 1\ncases: {a: {prompt: x, expect: {score: {at_least: 3}}}}\n"
    assert list(load_policy_tests(text, "routing.test.yaml").document.cases) == ["a"]


def test_a_rule_without_words_of_its_own_is_told_in_the_validators() -> None:
    error = JsonSchemaError("not unique", validator="uniqueItems", path=["a", 0])
    assert list(explain(error)) == [Finding("NF208", "not unique", ("a", 0))]


def test_warnings_are_bounded() -> None:
    text = HEAD + "".join(f"  s{n}: {{prompt: x # y\n  }}\n" for n in range(60))
    assert len(load_workflow(text, "w.yaml").warnings) == 50


def test_a_comment_that_cuts_a_prompt_is_a_warning() -> None:
    text = HEAD + "  a:\n    prompt: Fix issue #12\n    model: auto # fine\n  b: {prompt: 'x' } # fine\n"
    (found,) = load_workflow(text, "w.yaml").warnings
    assert (found.severity, found.code, str(found.where)) == ("warning", "NF117", "w.yaml:5:23")
