"""The Python API as the contract writes it, offline: typed results, and errors that say what to type."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import nano_flow
from nano_flow import RunOptions
from nano_flow.cli.main import run_command
from nano_flow.core.errors import DocumentError, RunError, UsageError
from nano_flow.core.events import RunFinished, RunStarted

OFFLINE = RunOptions(offline=True)
WORKFLOW = """
nano_flow: 1
name: w
inputs: {diff: {type: string}}
steps: {review: {prompt: "Review {{ inputs.diff }}"}}
outputs: {report: "{{ steps.review.output }}"}
"""
ask, fallback = nano_flow.prompt_nano_agent, nano_flow.execute_with_fallback


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)


def test_a_run_has_typed_outputs_costs_and_steps() -> None:
    result = nano_flow.run("workflow.yaml", inputs={"diff": "x"}, options=OFFLINE)
    assert isinstance(result, nano_flow.RunResult) and isinstance(result.steps["review"][0], nano_flow.StepResult)
    assert result.status == "succeeded" and result.simulated and isinstance(result.outputs, dict)
    assert result.outputs["report"] == result.steps["review"][0].output
    assert result.steps["review"][0].model == "sim/small" and result.steps["review"][0].tier == "simple"
    assert result.cost.usd == 0 and result.cost.simulated_usd > Decimal(0)


def test_events_are_streamed_and_errors_come_at_the_end() -> None:
    events = list(nano_flow.stream("workflow.yaml", inputs={"diff": "x"}, options=OFFLINE))
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunFinished)
    with pytest.raises(UsageError, match='input "diff" is missing'):
        list(nano_flow.stream("workflow.yaml", options=OFFLINE))


def test_who_stops_reading_events_pauses_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "long.yaml").write_text("nano_flow: 1\nname: long\nsteps: {rest: {wait: 1h}}\n")
    for event in nano_flow.stream("long.yaml"):
        if isinstance(event, RunStarted):
            break
    assert not [thread for thread in threading.enumerate() if thread.name == "nano-flow"]
    assert run_command(["runs", "--json"]) == 0
    assert [run["status"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["paused"]


def test_an_event_loop_is_told_of_arun() -> None:
    async def inside() -> None:
        nano_flow.run("workflow.yaml", inputs={"diff": "x"}, options=OFFLINE)

    with pytest.raises(UsageError, match=r"await nano_flow\.arun"):
        asyncio.run(inside())


@pytest.mark.parametrize(
    ("call", "requested"),
    [
        (lambda: ask("Create a REST API", model="gpt-5-mini", provider="openai", options=OFFLINE), "openai/gpt-5-mini"),
        (lambda: ask("Create", model="openai/gpt-5", options=OFFLINE), "openai/gpt-5"),
        (lambda: ask("Create", model="standard", options=OFFLINE), "standard"),
        (lambda: ask("Create {{ this }}", provider="anthropic", options=OFFLINE), "auto"),
        (lambda: fallback(prompt="Build", tools=["read_file"], provider="openai", options=OFFLINE), "auto"),
        (lambda: fallback("Build", tools="read_file", options=OFFLINE), "auto"),
    ],
)
def test_one_agent_answers(
    call: Callable[[], Coroutine[Any, Any, nano_flow.results.AgentReply]], requested: str
) -> None:
    reply = asyncio.run(call())
    assert reply.text and reply.requested_model == requested and reply.model and reply.model.startswith("sim/")
    assert reply.attempts and reply.run_id and reply.cost.simulated_usd > 0


def area(width: int, height: int = 2) -> int:
    """The area of a rectangle."""
    AREAS.append(width * height)
    return AREAS[-1]


AREAS: list[int] = []


DESCRIBED = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": {}}}


@pytest.mark.parametrize(
    ("model", "provider", "requested"),
    [
        ("gpt-5-mini-2025-08-07", "openai", "openai/gpt-5-mini"),
        ("gpt-4o-2024-08-06", "openai", "openai/gpt-4o"),
        ("claude-3-haiku-20240307", "anthropic", "anthropic/claude-3-haiku"),
        ("claude-opus-4-1-20250805", "anthropic", "anthropic/claude-opus-4-1"),
        ("claude-3-5-haiku-latest", "anthropic", "anthropic/claude-3-5-haiku"),
    ],
)
def test_a_dated_name_of_a_model_means_the_model(model: str, provider: str, requested: str) -> None:
    reply = asyncio.run(ask("Create a REST API", model=model, provider=provider, options=OFFLINE))
    assert reply.requested_model == requested


SCRIPT = """
nano_flow: 1
extends: shipped
providers:
  sim:
    script:
      answer: {turns: [{calls: [%s]}, "it is {{ 1 }}"]}
"""


def test_functions_are_tools(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(SCRIPT % "{tool: area, with: {width: 3}}")
    AREAS.clear()
    reply = asyncio.run(fallback("How large?", tools=[area, "read_file"], options=OFFLINE))
    assert reply.text and not reply.tool_calls
    assert AREAS == [6]


def test_a_described_tool_is_handed_to_the_caller(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(SCRIPT % "{tool: get_weather, with: {city: Oslo}}")
    reply = asyncio.run(fallback("Weather?", tools=[DESCRIBED, area], options=OFFLINE))
    assert reply.tool_calls == [{"name": "get_weather", "arguments": {"city": "Oslo"}}]
    assert reply.text == "" and reply.model == "sim/small"


@pytest.mark.parametrize(
    ("tools", "said"),
    [([3], "is no tool"), ([{"type": "function"}], "a described tool has a name"), ([area, area], "two tools")],
)
def test_what_is_no_tool_is_refused(tools: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asyncio.run(fallback("x", tools=tools, options=OFFLINE))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: ask("x", model="gpt-5-mni", provider="openai"), UsageError, 'did you mean "gpt-5-mini"'),
        (lambda: ask("x", model="gpt-5-mini"), UsageError, 'write "openai/gpt-5-mini"'),
        (lambda: ask("x", provider="opnai"), UsageError, 'did you mean "openai"'),
        (lambda: ask("x", model="openai/gpt-5", provider="anthropic"), UsageError, "leave one of the two out"),
        (lambda: ask("x", tools=["read_fil"]), DocumentError, 'did you mean "read_file"'),
        (lambda: ask("  "), UsageError, "the prompt is empty"),
        (lambda: fallback("x", provider="anthropic"), RunError, "looked for ANTHROPIC_API_KEY; .*--offline"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    call: Callable[[], Coroutine[Any, Any, object]], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        asyncio.run(call())
