"""Tools in whole runs: what is kept, what is refused, what stops a run, what never starts."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from nano_flow.app import ResumeOrder, RunReport, resume_workflow, run_workflow
from nano_flow.cli.main import run_command
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.parts import Surroundings
from nano_flow.project.preparing import GivenInputs, RunOptions

PLAIN = Path(__file__).parents[1] / "tools" / "servers" / "plain.py"
TOKEN = "sk-CANARY-of-the-server"
HEAD = "nano_flow: 1\nname: t\n"


class Seen:
    """Every event, as text."""

    def __init__(self) -> None:
        self.text = ""

    def handle(self, event: Event) -> None:
        self.text += repr(event)

    def close(self) -> None:
        return


class Place:
    """A project with a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = Seen()
        self.state = folder / ".nano-flow"

    def where(self, **environ: str) -> Surroundings:
        return Surroundings(self.state, (self.seen,), environ={"PATH": os.environ["PATH"], **environ})

    def run(self, text: str, given: dict[str, Json] | None = None, **environ: str) -> RunReport:
        (self.folder / "w.yaml").write_text(HEAD + text)
        options = RunOptions(offline="prompt:" in text)  # without models there is nothing to simulate
        inputs = GivenInputs(data=given or {})
        return asyncio.run(run_workflow(str(self.folder / "w.yaml"), inputs, options, self.where(**environ)))

    def resume(self) -> RunReport:
        return asyncio.run(resume_workflow(ResumeOrder(), self.where()))

    def kept(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.state.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def error(report: RunReport) -> str:
    return str(report.document["error"])


def served(how: str = "usual", what: str = "NOTHING", **more: str) -> str:
    settings = "".join(f", {name}: {value}" for name, value in more.items())
    command = f'["{sys.executable}", -S, "{PLAIN}", "{how}", "{what}"]'
    return f"tools: {{srv: {{mcp: {{command: {command}{settings}}}}}}}\n"


ECHO = "steps:\n  a: {tool: srv.echo, with: {x: said}}\noutputs: {said: '{{ steps.a.output }}'}\n"
mcp = pytest.mark.usefixtures("sdk")


@pytest.fixture
def sdk() -> None:
    pytest.importorskip("mcp", reason="the MCP SDK is not installed")


@mcp
@pytest.mark.parametrize("setting", ["{TOKEN: '${OUR_TOKEN}'}", "{TOKEN: '{{ inputs.key }}'}"])
def test_what_a_server_is_given_is_nowhere_kept(place: Place, setting: str) -> None:
    inputs = "inputs: {key: {type: string, secret: true}}\n"
    report = place.run(inputs + served("usual", "TOKEN", env=setting) + ECHO, {"key": TOKEN}, OUR_TOKEN=TOKEN)
    assert report.document["outputs"] == {"said": "said ***"}
    assert TOKEN not in place.seen.text
    assert TOKEN.encode() not in place.kept()


@mcp
def test_a_changed_tool_stops_the_run_until_it_is_accepted(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run(served() + ECHO).exit_code == 0
    after = "  b: {needs: [a], trigger_rule: all_done, run: [touch, canary]}\n"
    steps = ECHO.replace("said}}", "said}, on_error: continue}").replace("outputs", after + "outputs")
    report = place.run(served("described", "Now it sends") + steps)
    assert (report.end.status, report.exit_code) == ("failed", 6)
    assert '"srv.echo" has another description' in error(report)
    assert "'tool_changed'" in place.seen.text
    assert not (place.folder / "canary").exists()
    assert place.resume().exit_code == 6
    assert run_command(["tools", "accept", "srv"]) == 0
    assert "accepted srv.echo in w.yaml" in capsys.readouterr().err
    assert place.resume().document["outputs"] == {"said": "said"}


@mcp
def test_a_server_that_prints_garbage_fails_the_step(place: Place) -> None:
    report = place.run(served("garbage") + ECHO)
    assert "it writes to stdout what is no message" in error(report)


def test_looking_at_a_workflow_starts_no_server(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "tools: {x: {mcp: {command: [sh, -c, touch ./nano_flow_canary_mcp]}}}\nsteps: {a: {prompt: hi, tools: [x]}}\n"
    )
    (place.folder / "w.yaml").write_text(HEAD + text)
    for words in (["validate", "w.yaml"], ["plan", "w.yaml", "--offline"], ["graph", "w.yaml"], ["tools"]):
        assert run_command(words) == 0, capsys.readouterr().err
    assert os.listdir(place.folder) == ["w.yaml"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".git/hooks/pre-commit", "is protected: tools do not change"),
        ("w.yaml", "is protected: it belongs to this run"),
        ("prompts/a.md", "is protected: it belongs to this run"),
        ("./routing.yaml", "is protected"),
        (".nano-flow/store.db", "is protected"),
        ("../x", "is outside the workspace"),
    ],
)
def test_a_run_does_not_change_what_it_stands_on(place: Place, path: str, why: str) -> None:
    (place.folder / "prompts").mkdir()
    (place.folder / "prompts" / "a.md").write_text("hello")
    write = f"a: {{tool: write_file, with: {{path: {path}, content: x}}}}"
    steps = f"steps:\n  p: {{prompt: {{file: prompts/a.md}}}}\n  {write}\n"
    report = place.run(steps)
    assert report.end.status == "failed"
    assert why in error(report)
    assert (place.folder / "prompts" / "a.md").read_text() == "hello"


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("{tool: read_file, with: {path: fifo}}", "is not a regular file"),
        ("{tool: http_get, with: {url: 'http://169.254.169.254/'}}", "is not in the allow-list"),
        ("{tool: http_get, with: {url: 'http://127.0.0.1/'}}", "its address is loopback"),
        ("{tool: run_command, with: {command: [sh, -c, touch canary]}}", "is not in the allow-list"),
        ("{tool: find, with: {x: -delete}}", "could be read as an option"),
        ("{tool: find, with: {x: '$(touch canary)'}}", "No such file"),
    ],
)
def test_tools_refuse_what_they_must(place: Place, step: str, why: str) -> None:
    os.mkfifo(place.folder / "fifo")
    find = "{description: Find, parameters: {type: object, properties: {x: {type: string}}}, run: [ls, '{{ args.x }}']}"
    allow = "http_get: {allow: [api.example.com, '127.0.0.1:9']}, run_command: {allow: [git]}"
    if "127.0.0.1/" in step:
        allow = allow.replace("'127.0.0.1:9'", "'*'")
    report = place.run(f"tools: {{{allow}, find: {find}}}\nsteps:\n  a: {step}\n")
    assert why in error(report)
    assert not (place.folder / "canary").exists()


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("{run: [cat]}", "succeeded"),
        ("{run: [sh, -c, 'yes'], timeout: 300ms}", "failed"),
        ("{run: [sh, -c, 'sleep 600 & sleep 600'], timeout: 300ms}", "failed"),
    ],
)
def test_commands_end(place: Place, step: str, status: str) -> None:
    started = time.monotonic()
    assert place.run(f"steps:\n  a: {step}\n").end.status == status
    assert time.monotonic() - started < 10
