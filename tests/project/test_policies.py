"""Policy files in force: the conditions of rules, learned files, and what validate says of names beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import DocumentError, StepError
from nano_flow.core.messages import Json
from nano_flow.locate import policy_files
from nano_flow.project.checking import check_file
from nano_flow.project.policies import compile_condition, read_policies

WHERE = SourceRange("routing.yaml", 6, 37, 6, 40)
TIERS = "nano_flow: 1\ntiers: {simple: {below: 3, models: [openai/gpt-5.4-nano]}, high: {models: [openai/gpt-5.4]}}\n"


@pytest.mark.parametrize(
    ("when", "facts", "verdicts"),
    [
        ("model == '1'", [{"model": "1"}, {"model": 1}, {"model": "1"}], [True, False, True]),
        (
            "budget_left is none",
            [{"budget_left": None}, {"budget_left": "None"}, {"budget_left": 0}],
            [True, False, False],
        ),
        ("iteration is boolean", [{"iteration": True}, {"iteration": 1}, {"iteration": 1.0}], [True, False, False]),
        (
            "tags == ['a', 'b']",
            [{"tags": ["a", "b"]}, {"tags": ["a', 'b"]}, {"tags": ["b", "a"]}],
            [True, False, False],
        ),
        ("tags | length == 1", [{"tags": ["a, b"]}, {"tags": ["a", "b"]}], [True, False]),
        (
            "tool_count > lines",
            [{"tool_count": 2, "lines": 1}, {"tool_count": 1, "lines": 2}, {"tool_count": 2, "lines": 1}],
            [True, False, True],
        ),
    ],
)
def test_remembered_verdicts_are_those_of_the_same_values(
    when: str, facts: list[dict[str, Json]], verdicts: list[bool]
) -> None:
    holds = compile_condition(when, WHERE)
    for _ in range(2):
        assert [holds({**values, "prompt_words": 3}) for values in facts] == verdicts


def test_what_cannot_be_evaluated_is_not_remembered_as_false_nor_is_what_is_missing_as_null() -> None:
    holds = compile_condition("budget_left is none or budget_left < 1", WHERE)
    assert holds({"budget_left": None})
    for _ in range(2):
        with pytest.raises(StepError, match="budget_left"):
            holds({})
    compared = compile_condition("budget_left < 1", WHERE)
    for _ in range(2):
        with pytest.raises(StepError, match="null and a number cannot be compared"):
            compared({"budget_left": None})


def test_a_condition_knows_its_names_before_it_is_asked() -> None:
    with pytest.raises(DocumentError) as caught:
        compile_condition("complexiti > 3 or nope", WHERE)
    said = [(d.code, d.message, d.hint) for d in caught.value.diagnostics]
    assert said[0] == ("NF510", 'there is no fact "complexiti"', 'did you mean "complexity"?')
    assert said[1][2] == "docs/routing.md lists the facts that a rule sees"
    assert [d.where.column for d in caught.value.diagnostics] == [37, 55]


@pytest.fixture
def routing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "routing.yaml"


def test_names_that_nobody_declares_are_warned_of(routing: Path) -> None:
    routing.write_text(
        TIERS.replace("openai/gpt-5.4]", "openai/gpt-5.4, openai/gpt-5.4-nan, openay/x, ollama/any]")
        + "chains: {c: [anthropic/none]}\n"
        + "policies: {default: {rules: "
        + "[{provider: [nix, openai], fallback: [nix/a]}, {model: nix/b}, {models: [nix/c]}]}}\n"
    )
    found = check_file(routing)
    assert {d.code for d in found} == {"NF519"} and {d.severity for d in found} == {"warning"}
    assert [d.address for d in found] == [
        "tiers.high.models.1",
        "tiers.high.models.2",
        "chains.c.0",
        "policies.default.rules.0.fallback.0",
        "policies.default.rules.1.model",
        "policies.default.rules.2.models.0",
        "policies.default.rules.0.provider",
    ]
    assert [d.hint for d in found[:2]] == ['did you mean "openai/gpt-5.4-nano"?', 'did you mean "openai"?']


def test_conditions_that_fail_for_a_plain_prompt_are_warned_of(routing: Path) -> None:
    rules = "[{when: budget_left < 1, tier: simple}, {when: complexity > 9}, {tier: simple}]"
    routing.write_text(f"{TIERS}policies: {{default: {{rules: {rules}}}}}\n")
    (found,) = check_file(routing)
    assert (found.code, found.severity, found.address) == ("NF519", "warning", "policies.default.rules.0.when")
    assert "null and a number cannot be compared" in found.message and "is not none and" in found.hint


def test_a_broken_providers_file_is_not_told_of_routing(routing: Path) -> None:
    routing.write_text(TIERS)
    routing.with_name("providers.yaml").write_text("providers: 3\n")
    assert check_file(routing) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learned: [", "learned.yaml:1:"),
        ("", "learned.yaml:1:1"),
        ("a: 1", "routing.yaml:3:30"),
        ("# " + "x" * 2_100_000, '"learned.yaml" cannot be used: larger than 2097152 bytes'),
    ],
)
def test_a_learned_file_that_cannot_be_used_is_named(text: str, said: str, routing: Path) -> None:
    routing.write_text(TIERS + "complexity: {learned: {file: learned.yaml, weight: 1}}\n")
    routing.with_name("learned.yaml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_policies(policy_files(Path.cwd(), None, Path.cwd()))
    assert said in str(caught.value)
