"""``--offline``: nothing is sent and no server started; commands run and are named, or are simulated, too."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from nano_flow.app import RunReport, run_workflow
from nano_flow.core.errors import UsageError
from nano_flow.core.events import Event, NoticeGiven
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.parts import Surroundings
from nano_flow.project.preparing import GivenInputs, RunOptions
from nano_flow.tools.mcp.pins import Pins

HEAD = """nano_flow: 1
name: w
tools:
  http_get: {allow: [example.com, "*"]}
  run_command: {allow: [echo]}
  mine: {description: Mine, parameters: {type: object}, run: [touch, mine]}
  srv: {mcp: {command: [sh, -c, touch canary], env: {TOKEN: "${NOT_SET}"}}}
"""
SCHEMA: dict[str, Json] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
WRAPPED: dict[str, Json] = {"type": "object", "properties": {"result": {"const": 5}}, "required": ["result"]}


class Told:
    def __init__(self) -> None:
        self.notices: list[str] = []

    def handle(self, event: Event) -> None:
        if isinstance(event, NoticeGiven):
            self.notices.append(event.message)

    def close(self) -> None:
        return


def run(folder: Path, steps: str, options: RunOptions | None = None) -> tuple[RunReport, list[str]]:
    told = Told()
    (folder / "w.yaml").write_text(HEAD + "steps:\n" + steps)
    where = Surroundings(folder / ".nano-flow", (told,), environ={"PATH": os.environ["PATH"]})
    given = options or RunOptions(offline=True)
    return asyncio.run(run_workflow(str(folder / "w.yaml"), GivenInputs(), given, where)), told.notices


def output(report: RunReport) -> Json:
    steps = report.document["steps"]
    assert isinstance(steps, list) and isinstance(steps[0], dict)
    return steps[0]["output"] if steps[0]["status"] == "succeeded" else steps[0]["error"]


def test_a_server_is_not_started_and_answers_as_it_was_listed(tmp_path: Path) -> None:
    call = "  a: {tool: srv.TOOL, with: {x: 1}}\n"
    assert output(run(tmp_path, call)[0]) == "simulated result of srv.TOOL"
    said = {name: ToolSpec(name, "", {}) for name in ("TOOL", "five", "never", "plain")}
    schemas: dict[str, Json] = {"TOOL": SCHEMA, "five": WRAPPED, "never": {"not": {}}}
    Pins(tmp_path / ".nano-flow").check(str(tmp_path / "w.yaml"), "srv", said, [], schemas)
    report, _ = run(tmp_path, call)
    made = output(report)
    assert isinstance(made, dict) and isinstance(made["n"], int)
    assert report.document["simulated"] is True
    assert output(run(tmp_path, call)[0]) == made
    assert output(run(tmp_path, call.replace("TOOL", "five"))[0]) == 5
    assert output(run(tmp_path, call.replace("TOOL", "plain"))[0]) == "simulated result of srv.plain"
    assert run(tmp_path, "  a: {prompt: hi, tools: [srv]}\n")[0].end.status == "succeeded"
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://example.com/a", "simulated result of http_get"),
        ("http://127.0.0.1/", "its address is loopback"),
        ("http://example.com:81/", "is not in the allow-list"),
    ],
)
def test_no_page_is_asked_for(tmp_path: Path, url: str, said: str) -> None:
    report, _ = run(tmp_path, f"  a: {{tool: http_get, with: {{url: '{url}'}}}}\n")
    assert said in str(output(report))


def test_commands_run_and_are_named_first(tmp_path: Path) -> None:
    report, notices = run(
        tmp_path, "  a: {run: [touch, ran]}\n  b: {prompt: hi, verify: [{run: [test, -e, w.yaml]}]}\n"
    )
    assert report.end.status == "succeeded" and (tmp_path / "ran").exists()
    (notice,) = notices
    for part in ("a: touch ran", "b (verify): test -e w.yaml", "tool mine: touch mine", "run_command: echo"):
        assert part in notice
    assert "simulated are: http_get, MCP server srv" in notice


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{run: [touch, ran]}", "simulated result of touch ran"),
        ("{tool: mine}", "simulated result of touch mine"),
        ("{tool: run_command, with: {command: [echo, hi]}}", "echo hi"),
    ],
)
def test_without_commands_none_is_started(tmp_path: Path, step: str, said: str) -> None:
    report, notices = run(tmp_path, f"  a: {step}\n", RunOptions(offline=True, no_commands=True))
    assert said in str(output(report)) and "commands are simulated" in notices[0]
    assert not (tmp_path / "ran").exists() and not (tmp_path / "mine").exists()


def test_without_commands_belongs_to_offline(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="belongs to --offline"):
        run(tmp_path, "  a: {run: [touch, ran]}\n", RunOptions(no_commands=True))


def test_what_was_stood_in_for_is_marked(tmp_path: Path) -> None:
    steps = """
  a: {tool: srv.TOOL}
  b: {tool: http_get, with: {url: "https://example.com/"}}
  c: {run: [echo, hi]}
  d: {set: {v: 1}}
  e: {tool: mine}
"""

    def marked(options: RunOptions) -> set[str]:
        rows = run(tmp_path, steps, options)[0].document["steps"]
        assert isinstance(rows, list)
        return {str(row["id"]) for row in rows if isinstance(row, dict) and row["simulated"]}

    assert marked(RunOptions(offline=True)) == {"a", "b"}
    assert marked(RunOptions(offline=True, no_commands=True)) == {"a", "b", "c", "e"}
