"""Commands: a value never becomes part of a script, and the message shows the safe form."""

from __future__ import annotations

import pytest

from nano_flow.plan.programs.interpreters import reads_code_from_stdin, script_arguments
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
        ["env", "-S", "bash -c T"],
        ["env", "--split-string=bash -c T"],
        ["/usr/bin/env", "-i", "A=b", "nice", "-n", "5", "sh", "-c", "T"],
        ["xargs", "-0", "-n", "1", "sh", "-c", "T", "sh"],
        ["docker", "run", "--rm", "--entrypoint", "sh", "image", "-c", "T"],
        ["docker", "run", "--entrypoint=/bin/sh", "-e", "A=b", "image", "-c", "T"],
        ["kubectl", "exec", "pod", "--", "sh", "-c", "T"],
        ["ssh", "-p", "22", "host", "T"],
        ["ssh", "host", "ls", "T"],
        ["parallel", "-j", "2", "T", ":::", "a"],
        ["sed", "-n", "T", "file"],
        ["sudo", "-u", "x", "sed", "-e", "T"],
        ["sqlite3", "-json", "x.db", "T"],
        ["tar", "-xf", "a.tar", "--to-command=T"],
        ["tar", "-I", "T", "-xf", "a.tar"],
        ["rsync", "-ave", "T", "a", "b"],
        ["npx", "-c", "T"],
        ["emacs", "--batch", "--eval", "T"],
        ["sed", "-e", "1d", "-e", "T", "file"],
        ["sed", "-e", "1d", "file", "-e", "T"],
        ["perl", "-e", "1;", "-e", "T"],
        ["tar", "--checkpoint-action=dot", "--to-command=T"],
        ["awk", "-f", "a.awk", "-e", "T"],
        ["vim", "-es", "-c", "set ro", "-c", "T"],
        ["gdb", "-batch", "-ex", "run", "-ex", "T"],
        ["make", "--eval=T"],
        ["make", "all", "SHELL=T"],
        ["git", "-C", "sub", "-c", "alias.x=T", "x"],
        ["git", "-c", "a.b=c", "-c", "core.sshCommand=T", "fetch"],
        ["git", "-c", "{{ x }}T", "status"],
        ["ssh", "-oProxyCommand=T", "host"],
        ["scp", "-o", "ProxyCommand T", "a", "host:"],
    ],
)
def test_code_in_an_argument_is_found(argv: list[str]) -> None:
    assert [argv[script.position] for script in script_arguments(argv) if "T" in argv[script.position]] != []


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
        ["apt-get", "install", "sed", "T"],
        ["which", "ssh", "T"],
        ["ssh", "T", "uptime"],
        ["scp", "T", "host:"],
        ["parallel", "gzip", ":::", "T"],
        ["sed", "-f", "script.sed", "T"],
        ["sed", "s/a/b/", "T"],
        ["sqlite3", "T", "select 1"],
        ["tar", "-xzf", "T"],
        ["env", "A=T", "make"],
        ["xargs", "rm", "--", "T"],
        ["sed", "-e", "1d", "T"],
        ["awk", "-f", "a.awk", "-f", "b.awk", "T"],
        ["make", "-C", "sub", "CC=gcc", "T"],
        ["git", "-c", "user.name=T", "commit"],
        ["git", "commit", "-c", "{{ x }}T"],
        ["ssh", "-o", "ConnectTimeout=T", "host"],
        ["vim", "-es", "-c", "wq", "T"],
    ],
)
def test_arguments_of_programs_are_no_code(argv: list[str]) -> None:
    assert [script for script in script_arguments(argv) if "T" in argv[script.position]] == []


@pytest.mark.parametrize(
    "argv",
    [
        ["bash"],
        ["sh", "-eux"],
        ["bash", "-s", "--", "name"],
        ["env", "-i", "A=b", "bash", "-x"],
        ["timeout", "-k", "1", "5", "python3", "-"],
        ["python", "-u"],
        ["node", "--trace-warnings"],
        ["docker", "exec", "-i", "name", "bash"],
        ["ssh", "host", "bash", "-s"],
        ["xargs", "-I", "{}", "sh", "-c", "echo {}"],
        ["xargs", "-I%", "python", "-c", "print('%')"],
        ["xargs", "sh", "-c"],
    ],
)
def test_programs_that_take_their_input_for_code(argv: list[str]) -> None:
    assert reads_code_from_stdin(argv) is not None


@pytest.mark.parametrize(
    "argv",
    [
        ["cat"],
        ["bash", "script.sh"],
        ["bash", "-c", "cat"],
        ["python", "-m", "json.tool"],
        ["python", "-c", "import sys; sys.stdin.read()"],
        ["node", "app.js"],
        ["jq", "."],
        ["xargs", "-I", "{}", "sh", "-c", 'echo "$1"', "sh", "{}"],
        ["xargs", "-n1", "echo"],
        ["apt-get", "install", "python"],
    ],
)
def test_programs_whose_input_is_data(argv: list[str]) -> None:
    assert reads_code_from_stdin(argv) is None


def test_a_value_in_the_input_of_a_shell_is_refused() -> None:
    assert found(HEAD + """  a: {run: [bash, -s], stdin: "ls {{ inputs.x }}"}\n""") == [
        '5:35 NF314 a template in the input of "bash", which reads it as code'
    ]
    assert found(HEAD + """  a: {run: [bash, -s], stdin: "ls"}\n""") == []


def test_an_argument_that_may_be_an_option_is_still_no_code() -> None:
    assert found(HEAD + """  a: {run: [ls, {arg: "{{ inputs.x }}", dash: allow}]}\n""") == []
    assert found(HEAD + """  a: {run: [sh, -c, {arg: "{{ inputs.x }}", dash: allow}]}\n""") == [
        '5:28 NF314 a template in the script of "sh -c": its value would be read as code'
    ]


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
