"""What is valid and probably not meant: one warning each, at its place, silenced at its line."""

from __future__ import annotations

import pytest

from tests.plan.compiling import compile_text

OUT = "outputs: {done: '{{ steps.b.output }}'}\n"
TOPIC = "inputs: {topic: {type: string}}\n"
USED = "steps: {b: {prompt: 'On {{ inputs.topic }}'}}\n"


def codes(text: str) -> list[tuple[str, int]]:
    """Code and line of each warning; the text compiles."""
    result = compile_text(text)
    assert result.plan is not None, result.diagnostics
    return [(found.code, found.where.line) for found in result.diagnostics]


def step(prompt: str) -> str:
    return TOPIC + f"steps:\n  a: {{prompt: '{{{{ inputs.topic }}}}'}}\n  b:\n    prompt: {prompt}\n"


@pytest.mark.parametrize(
    ("prompt", "warned"),
    [
        ("'{{ steps.a }}'", "NF339"),
        ("'{{ steps.a | tojson }}'", "NF339"),
        ("'{{ steps.a.output }}'", ""),
        ("'{{ steps.a[inputs.topic] }}'", ""),
        ("'About {topic}'", "NF336"),
        ("'About ${topic}'", "NF336"),
        ("'About {inputs.topic}'", "NF336"),
        ("'About ${{ inputs.topic }}'", "NF336"),
        ("'It cost ${{ steps.a.cost_usd }}'", ""),
        ("'About {{ inputs.topic }}'", ""),
        ("'As JSON: {\"topic\": 1} or {other}'", ""),
        ("'{item}'", ""),
    ],
)
def test_braces_and_whole_steps(prompt: str, warned: str) -> None:
    assert codes(step(prompt)) == ([(warned, 7)] if warned else [])


def test_the_item_of_a_loop_in_single_braces() -> None:
    text = "steps:\n  b: {for_each: [1, 2], prompt: 'Number {item}'}\n"
    assert codes(text) == [("NF336", 4)]


def test_an_input_that_nothing_reads() -> None:
    assert codes("inputs: {topic: {type: string}, tone: {type: string}}\n" + USED) == [("NF337", 3)]
    assert codes(TOPIC + "steps: {b: {prompt: '{{ inputs | tojson }}'}}\n") == []


@pytest.mark.parametrize(
    ("spare", "warned"),
    [
        ("prompt: Hello", True),
        ("set: {x: 1}", True),
        ("prompt: Hello, tools: [read_file]", False),
        ("prompt: Hello, verify: [{check: output}]", False),
        ("run: [ls]", False),
    ],
)
def test_an_output_that_nobody_uses(spare: str, warned: bool) -> None:
    text = f"steps:\n  spare: {{{spare}}}\n  b: {{prompt: Go}}\n"
    assert codes(text + OUT) == ([("NF338", 4)] if warned else [])
    assert codes(text) == []  # a file without outputs gives nothing back: its last steps are what it is for


@pytest.mark.parametrize("use", ["needs: [spare]", "conversation: spare", "when: steps.spare.status == 'succeeded'"])
def test_an_output_that_is_used_otherwise(use: str) -> None:
    assert codes(f"steps:\n  spare: {{prompt: Hi}}\n  b: {{prompt: Go, {use}}}\n" + OUT) == []


def test_outputs_of_all_steps_use_all() -> None:
    assert codes("steps: {spare: {prompt: Hi}, b: {prompt: Go}}\noutputs: '{{ output }}'\n") == []


def test_an_undeclared_model_of_an_open_provider() -> None:
    assert codes("steps: {b: {prompt: Go, model: ollama/lama4}}\n") == [("NF353", 3)]
    assert codes("steps: {b: {prompt: Go, model: openai/mini}}\n") == []


def test_a_comment_silences_a_warning_at_its_line() -> None:
    assert codes(step("'About {topic}'  # nano-flow: ignore NF336")) == []
    assert codes(step("'About {topic}'  # nano-flow: ignore NF339, NF336")) == []
    assert codes(step("'About {topic}'  # nano-flow: ignore NF339")) == [("NF336", 7)]
    above = "steps:\n  # nano-flow: ignore NF353\n  b: {prompt: Go, model: ollama/lama4}\n"
    assert codes(above) == []


def test_a_comment_behind_a_block_text_speaks_of_all_its_lines() -> None:
    block = step("|  # nano-flow: ignore NF336\n      One\n\n      {topic}\n")
    assert codes(block) == []
    assert codes(block + "  c: {prompt: 'On {topic}'}\n") == [("NF336", 12)]


def test_errors_are_not_silenced() -> None:
    text = "steps: {b: {prompt: Go, model: nobody/x}}  # nano-flow: ignore NF341\n"
    assert [found.code for found in compile_text(text).diagnostics] == ["NF341"]
