"""Commands: a value never becomes part of a script, and the message shows the safe form."""

from __future__ import annotations

import pytest

from nano_flow.plan.checks.interpreters import script_arguments
from tests.plan.compiling import compile_text, found, hints

HEAD = "inputs: {x: {type: string}}\nsteps:\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["bash", "-c", "T"],
        ["/bin/bash", "-lc", "T"],
        ["sh", "-ec", "T"],
        ["bash", "-o", "pipefail", "-c", "T"],
        ["bash", "-c", "-e", "T"],
        ["env", "A=b", "sh", "-c", "T"],
        ["timeout", "5", "bash", "-c", "T", "name", "arg"],
        ["busybox", "sh", "-c", "T"],
        ["python", "-c", "T"],
        ["python3.11", "-u", "-W", "error", "-c", "T"],
        ["python3", "-cT"],
        ["uv", "run", "python", "-c", "T"],
        ["node", "-e", "T"],
        ["node", "--eval=T"],
        ["node", "-pe", "T"],
        ["deno", "eval", "T"],
        ["perl", "-ne", "T"],
        ["ruby", "-rjson", "-e", "T"],
        ["php", "-r", "T"],
        ["lua5.4", "-e", "T"],
        ["psql", "-d", "db", "-c", "T"],
        ["awk", "-F", ",", "T", "file"],
        ["pwsh", "-Command", "T"],
        ["cmd.exe", "/C", "T"],
        ["watch", "-n", "1", "T"],
        ["find", ".", "-exec", "sh", "-c", "T", ";"],
    ],
)
def test_code_in_an_argument_is_found(argv: list[str]) -> None:
    (script,) = script_arguments(argv)
    assert "T" in argv[script.position]


@pytest.mark.parametrize(
    "argv",
    [
        ["bash", "script.sh", "T"],
        ["bash", "-x", "script.sh", "-c", "T"],
        ["bash", "-c"],
        ["python", "script.py", "-c", "T"],
        ["python", "-m", "pytest", "T"],
        ["node", "app.js", "-e", "T"],
        ["awk", "-f", "program.awk", "T"],
        ["git", "commit", "-c", "T"],
        ["perl", "-I/lib/e", "program.pl", "T"],
        ["bash", "-x"],
        ["echo", "T"],
        ["docker", "run", "image", "T"],
    ],
)
def test_arguments_of_programs_are_no_code(argv: list[str]) -> None:
    assert [script for script in script_arguments(argv) if "T" in argv[script.position]] == []


def test_values_after_the_script_are_arguments() -> None:
    assert found(HEAD + """  a: {run: [bash, -c, 'echo "$1"', name, "{{ inputs.x }}"]}\n""") == []
    assert found(HEAD + "  a: {run: [python, -c, 'print(1)', '{{ inputs.x }}']}\n") == []
    assert found(HEAD + """  a: {run: 'echo "$X"', env: {X: "{{ inputs.x }}"}}\n""") == []


@pytest.mark.parametrize(
    ("step", "expected", "hint"),
    [
        (
            'run: [bash, -lc, "ls {{ inputs.x }}"]',
            '5:26 NF314 a template in the script of "bash -lc": its value would be read as code',
            'hand the value over: `env: {VALUE: "{{ inputs.x }}"}`, and read it as "$VALUE" in the script',
        ),
        (
            'run: [python3, -c, "print({% if inputs.x %}1{% endif %})"]',
            '5:31 NF314 a template in the script of "python3 -c": its value would be read as code',
            'hand the value over: `env: {VALUE: "{{ … }}"}`, and read it as `os.environ["VALUE"]` in the script',
        ),
        (
            'run: "ls {{ inputs.x }}"',
            "5:14 NF314 a script holds no template: a value in it would be read as code",
            'hand the value over: `env: {VALUE: "{{ inputs.x }}"}`, and read it as "$VALUE" in the script',
        ),
        (
            "run: [ls]\n    shell: bash",
            '6:12 NF315 "shell" is for a script; a list of arguments runs without one',
            "write `run:` as a text, or leave `shell` out",
        ),
        (
            "run: ls\n    shell: ' '",
            '6:12 NF315 "shell" names no program',
            "write `shell: bash`",
        ),
    ],
)
def test_a_command_is_refused_with_the_safe_form(step: str, expected: str, hint: str) -> None:
    text = f"{HEAD}  a:\n    {step}\n".replace("  a:\n    ", "  a:\n    ")
    moved = expected.replace("5:", "6:", 1) if expected.startswith("5:") else expected.replace("6:", "7:", 1)
    assert (found(text), hints(text)) == ([moved], [hint])


def test_the_place_inside_a_block_script_is_exact() -> None:
    text = f"{HEAD}  a:\n    run: |\n      set -e\n      git log {{{{ inputs.x }}}}\n"
    assert found(text) == ["8:15 NF314 a script holds no template: a value in it would be read as code"]


def test_checks_and_tools_are_commands_too() -> None:
    text = """
    tools:
      t: {description: d, parameters: {properties: {p: {}}}, run: [sh, -c, "{{ args.p }}"]}
      u: {description: d, run: "echo {{ 1 }}"}
    steps:
      a: {prompt: x, verify: [{run: [sh, -c, "test {{ output }}"]}, {run: "test {{ output }}"}]}
    """
    lines = [d for d in compile_text(text).diagnostics if d.code == "NF314"]
    assert [(d.where.line, d.address) for d in lines] == [
        (4, "tools.t.run[2]"),
        (5, "tools.u.run"),
        (7, "steps.a.verify[0].run[2]"),
        (7, "steps.a.verify[1].run"),
    ]
