"""``run_command`` runs what is listed, as one literal argument each, and nothing else."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from pathlib import Path

import pytest

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json
from nano_flow.tools.commands import RunCommand
from nano_flow.tools.files.workspace import Workspace
from nano_flow.tools.processes.local import LocalCommands
from nano_flow.tools.table import builtin_tools

PAYLOADS = Path(__file__).parents[1] / "corpus" / "payloads" / "shell_values.csv"
VALUES = [row["value"] for row in csv.DictReader(PAYLOADS.open(encoding="utf-8", newline=""))]
ENVIRON = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/home", "API_KEY": "sk-CANARY"}


def tool(root: Path, *allow: str, environ: dict[str, str] | None = None) -> RunCommand:
    return RunCommand(allow, LocalCommands(), Workspace(str(root)), environ or ENVIRON)


def call(made: RunCommand, *command: str, **more: Json) -> dict[str, Json]:
    result = asyncio.run(made.call({"command": list(command), **more}))
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("value", VALUES)
def test_a_value_stays_one_argument(tmp_path: Path, value: str) -> None:
    code = "import sys; sys.stdout.write(repr(sys.argv[1:]))"
    if "\0" in value:
        with pytest.raises(StepError, match="null byte"):
            call(tool(tmp_path, "python"), "python", "-c", code, value)
        return
    result = call(tool(tmp_path, "python"), "python", "-c", code, value)
    assert (result["stdout"], result["exit_code"]) == (repr([value]), 0)
    assert os.listdir(tmp_path) == []


def test_exit_code_folder_input_and_environment(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    made = tool(tmp_path, "sh", "env")
    script = "cat; pwd; echo err >&2; exit 3"
    result = call(made, "sh", "-c", script, cwd="sub", stdin="in\n")
    assert result == {"exit_code": 3, "stdout": f"in\n{tmp_path}/sub\n", "stderr": "err\n"}
    names = {line.partition("=")[0] for line in str(call(made, "env")["stdout"]).splitlines()}
    assert names == {"PATH", "HOME"}


@pytest.mark.parametrize(
    ("allow", "command", "good"),
    [
        (("echo",), ("echo", "x"), True),
        (("echo hello",), ("echo", "hello", "x"), True),
        (("echo hello",), ("echo", "bye"), False),
        (("echo hello",), ("echo",), False),
        (("echo",), ("/bin/echo", "x"), False),
        (("echo",), ("echo x",), False),
        (("echo",), ("ECHO",), False),
        (("echo",), ("sh", "-c", "echo"), False),
        (("/bin/echo",), ("/bin/echo", "x"), True),
        ((), ("echo",), False),
        (("", " "), ("echo",), False),
    ],
)
def test_the_allow_list(tmp_path: Path, allow: tuple[str, ...], command: tuple[str, ...], good: bool) -> None:
    if good:
        assert call(tool(tmp_path, *allow), *command)["exit_code"] == 0
    else:
        with pytest.raises(StepError, match="is not in the allow-list"):
            call(tool(tmp_path, *allow), *command)


def test_a_program_in_the_workspace_is_not_meant_by_its_name(tmp_path: Path) -> None:
    script = tmp_path / "echo"
    script.write_text("#!/bin/sh\ntouch nano_flow_canary_sh\n")
    script.chmod(0o755)
    call(tool(tmp_path, "echo", environ={"PATH": f".::{os.environ['PATH']}"}), "echo")
    assert os.listdir(tmp_path) == ["echo"]
    with pytest.raises(StepError, match='"echo" was not found'):
        call(tool(tmp_path, "echo", environ={"PATH": ".:"}), "echo")
    assert call(tool(tmp_path, "./echo"), "./echo")["exit_code"] == 0


@pytest.mark.parametrize("cwd", ["..", "/", "gone/../.."])
def test_no_folder_outside(tmp_path: Path, cwd: str) -> None:
    with pytest.raises(StepError, match="outside the workspace"):
        call(tool(tmp_path, "pwd"), "pwd", cwd=cwd)


def test_output_is_whole_or_said_to_be_too_much(tmp_path: Path) -> None:
    assert call(tool(tmp_path, "seq"), "seq", "20000")["stdout"].endswith("\n20000\n")
    with pytest.raises(OutputLimit, match=r'"seq" printed more than is kept: 1,288,895 bytes of stdout') as raised:
        call(tool(tmp_path, "seq"), "seq", "200000")
    assert isinstance(raised.value.partial, dict) and str(raised.value.partial["stdout"]).startswith("1\n2\n")


def test_a_command_that_does_not_end(tmp_path: Path) -> None:
    made = RunCommand(("sleep",), LocalCommands(), Workspace(str(tmp_path)), ENVIRON, deadline_s=0.05)
    with pytest.raises(StepError, match=r'"sleep" did not end within 0\.05 seconds'):
        call(made, "sleep", "600")


def test_it_is_never_repeated_and_one_at_a_time(tmp_path: Path) -> None:
    make = builtin_tools(Workspace(str(tmp_path)), LocalCommands(), ENVIRON)["run_command"]
    made = make(("git status", "pytest"))
    assert (made.repeatable, made.writes({})) == (False, "command:")
    assert made.spec.description.endswith("allowed: git status, pytest")
