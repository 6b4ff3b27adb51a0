"""Steps as they run in a whole workflow: what they read, what they refuse and how that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nano_flow
from nano_flow import RunOptions

TOOL = """nano_flow: 1
name: w
inputs: {path: {}}
steps:
  r:
    tool: read_file
    with: {path: "{{ inputs.path }}"}
    output_schema: {type: object, required: [a]}
    on_error: continue
outputs: {found: "{{ steps.r.output }}"}
"""
ATTACHED = """nano_flow: 1
name: w
inputs: {path: {type: string}}
steps:
  p: {prompt: What is this?, attachments: ["{{ inputs.path }}"], on_error: continue}
"""


COMMAND = """nano_flow: 1
name: w
inputs: {path: {type: string}}
steps:
  r: {run: [printf, "%s|", ARGUMENTS]}
outputs: {said: "{{ steps.r.output.stdout }}"}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.json").write_text('```json\n{"a": 1}\n```')
    Path("bad.json").write_text('{"b": 1}')
    Path("no.json").write_text("a: 1")
    Path("nan.json").write_text('{"a": NaN}')
    Path("notes.txt").write_text("plain")
    Path("dot.png").write_bytes(b"\x89PNG\xff")
    Path("data.bin").write_bytes(b"\xff\xfe\x00")


def run(workflow: str, path: Any) -> Any:
    Path("w.yaml").write_text(workflow)
    return nano_flow.run("w.yaml", inputs={"path": path}, options=RunOptions(offline=True))


def test_the_result_of_a_tool_is_read_by_its_schema() -> None:
    assert run(TOOL, "good.json").outputs["found"] == {"a": 1}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (3, 'the arguments of "read_file" are wrong'),
        ("bad.json", "the result: the value: 'a' is a required property"),
        ("no.json", "the result: "),
        ("nan.json", "the result: "),
        ("gone.json", "gone.json"),
    ],
)
def test_what_a_tool_step_cannot_do_is_said(path: Any, said: str) -> None:
    (step,) = run(TOOL, path).steps["r"]
    assert step.status == "failed" and said in str(step.error)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("notes.txt", ""),
        ("dot.png", ""),
        ("data.bin", '"data.bin" is neither an image (png, jpeg, gif, webp) nor UTF-8 text'),
        ("../secret", '"../secret" is outside the workspace'),
    ],
)
def test_attachments_are_images_and_texts_of_the_workspace(path: str, said: str) -> None:
    (step,) = run(ATTACHED, path).steps["p"]
    assert (step.status, said in str(step.error)) == ("failed" if said else "succeeded", True)


@pytest.mark.parametrize(
    ("arguments", "value", "said"),
    [
        ('"{{ inputs.path }}"', "a-b", "a-b|"),
        ('a, --, "{{ inputs.path }}"', "--output=x", "a|--|--output=x|"),
        ('{arg: "{{ inputs.path }}", dash: allow}', "--output=x", "--output=x|"),
        ('"--path={{ inputs.path }}"', "-x", "--path=-x|"),
    ],
)
def test_an_argument_of_a_step(arguments: str, value: str, said: str) -> None:
    assert run(COMMAND.replace("ARGUMENTS", arguments), value).outputs["said"] == said


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ('"{{ inputs.path }}"', "--output=x"),
        ('"{{ inputs.path }}", --', "-x"),
        ('"{% if true %}{{ inputs.path }}{% endif %}"', "-1"),
        ('"-{{ inputs.path }}"', "-output=x"),
        ('{arg: "{{ inputs.path }}", dash: allow}, "{{ inputs.path }}"', "-x"),
    ],
)
def test_a_value_of_a_step_does_not_become_an_option(arguments: str, value: str) -> None:
    step = run(COMMAND.replace("ARGUMENTS", arguments), value).steps["r"][0]
    assert step.status == "failed" and "could be read as an option" in step.error["message"]
    assert '`["--", "' in step.error["message"] and "dash: allow" in step.error["message"]


@pytest.mark.parametrize(
    ("command", "value", "said"),
    [
        ('[env, "{{ inputs.path }}", "printf", "%s", a]', "LD_PRELOAD=./evil.so", "would be read as a setting"),
        ('[env, A=b, "{{ inputs.path }}", "printf", "%s", a]', "BASH_ENV=./evil", "would be read as a setting"),
        ('[make, -f, /dev/null, "{{ inputs.path }}"]', "SHELL=./evil", "would be read as a setting"),
        ('["{{ inputs.path }}", -c, "{{ inputs.path }}"]', "bash", 'has become "bash -c" by a value'),
        ('[env, "{{ inputs.path }}", -c, "{{ inputs.path }}"]', "python3", 'has become "python3 -c" by a value'),
    ],
)
def test_a_value_chooses_no_setting_and_no_interpreter_of_values(command: str, value: str, said: str) -> None:
    step = run(COMMAND.replace('[printf, "%s|", ARGUMENTS]', command), value).steps["r"][0]
    assert (step.status, said in step.error["message"]) == ("failed", True), step.error


@pytest.mark.parametrize("command", ['[env, "A={{ inputs.path }}", printf, ok]', '[printf, "%s", "{{ inputs.path }}"]'])
def test_a_setting_that_was_written_takes_its_value(command: str) -> None:
    (step,) = run(COMMAND.replace('[printf, "%s|", ARGUMENTS]', command), "B=c").steps["r"]
    assert step.status == "succeeded"


@pytest.mark.parametrize(
    ("command", "value", "ok"),
    [
        ("[xargs, printf, ARG]", "a -x", False),
        ("[xargs, printf, ARG]", "a\n'-x'", False),
        ("[xargs, printf, '%s', --, ARG]", "-x", True),
        ("[xargs, printf, ARG]", "a b-c", True),
    ],
)
def test_the_input_of_xargs_becomes_no_option(command: str, value: str, ok: bool) -> None:
    written = command.replace("ARG", '"%s"') + ', stdin: "{{ inputs.path }}"'
    (step,) = run(COMMAND.replace('[printf, "%s|", ARGUMENTS]', written), value).steps["r"]
    assert (step.status == "succeeded") == ok, step.error
    assert ok or '"xargs" would hand' in step.error["message"]


def test_a_reply_does_not_become_an_option_of_the_command_that_checks_it() -> None:
    checked = """nano_flow: 1
name: w
inputs: {path: {type: string}}
steps:
  p: {prompt: x, model: sim/small, verify: [{run: [sort, "{{ '--output=owned' if output else inputs.path }}"]}]}
"""
    step = run(checked, "x").steps["p"][0]
    assert step.status == "failed" and "could be read as an option" in step.error["message"]
    assert not Path("owned").exists()


def test_a_variable_that_is_null_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    text = (
        COMMAND.replace(
            '[printf, "%s|", ARGUMENTS]',
            """'echo "${A-no}/${B-no}/${LANG-no}"'
    env: {A: "{{ none }}", B: null, LANG: null}""",
        )
        .replace("r: {", "r:\n    ")
        .replace("}\noutputs", "\noutputs")
    )
    assert run(text, "x").outputs["said"] == "no/no/no"


PRINTS = """nano_flow: 1
name: w
inputs: {path: {type: string}}
steps:
  big: {run: "head -c 1200000 /dev/zero | tr '\\\\0' x; echo why >&2"MORE}
  after: {needs: [big], set: {v: "READ"}}
outputs: {v: "{{ steps.after.output.v }}"}
"""


@pytest.mark.parametrize(
    ("more", "read", "length"),
    [
        ("", "{{ steps.big.output.stdout | length }}", None),
        ("", "{{ steps.big.output | tojson | length }}", None),
        (", retry: {max_attempts: 3, delay: 1s}", "{{ steps.big.output.stdout | length }}", None),
        (", output_schema: {type: string}", "{{ steps.big.status }}", None),
        ("", "{{ steps.big.output.stderr | length }}", 3),
        ("", "{{ steps.big.output.exit_code }}", 0),
        (", max_output: 2M", "{{ steps.big.output.stdout | length }}", 1_200_000),
        (", max_output: 1000, capture: tail", "{{ steps.big.output.stdout | length }}", 1_000),
        (", capture: none", "{{ steps.big.output.stdout | length }}", 0),
    ],
)
def test_what_a_later_step_reads_is_whole_or_an_error(more: str, read: str, length: int | None) -> None:
    result = run(PRINTS.replace("MORE", more).replace("READ", read), "x")
    step = result.steps["big"][0]
    if length is not None:
        assert (step.status, result.outputs["v"]) == ("succeeded", length)
        return
    assert step.error["class"] == "output_limit" and "1,200,000 bytes of stdout" in step.error["message"]
    assert "max_output" in step.error["message"] and "capture: tail | head | none" in step.error["message"]


def test_a_group_without_outputs_hands_on_what_its_command_printed() -> None:
    grouped = PRINTS.replace("  big:", "  group:\n    steps:\n      big:").replace("needs: [big]", "needs: [group]")
    assert run(grouped.replace("MORE", "").replace("READ", "{{ steps.group.status }}"), "x").status == "succeeded"
    read = grouped.replace("MORE", "").replace("READ", "{{ steps.group.output | tojson | length }}")
    assert "output_limit" in {row.error["class"] for rows in run(read, "x").steps.values() for row in rows if row.error}


def test_a_list_that_is_cut_fails_a_step_that_reads_it() -> None:
    for number in range(205):
        Path(f"needle-{number}.txt").write_text("")
    found = """nano_flow: 1
name: w
inputs: {path: {type: string}}
steps: {r: {tool: search_files, with: {glob: "{{ inputs.path }}"}, on_error: continue}}
"""
    step = run(found, "needle-*").steps["r"][0]
    assert step.error["class"] == "output_limit" and step.output is None
