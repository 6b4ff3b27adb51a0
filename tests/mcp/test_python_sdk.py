"""The server as the official Python SDK sees it, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from nano_flow.cli.main import run_command
from tests.mcp.project import server

ERAS = ["legacy", "2026-07-28"]


def talk(folder: Path, do: Callable[[Client], Awaitable[Any]], *more: str, **client: Any) -> Any:
    """One conversation of a client with a server in a process of its own."""

    async def conversation() -> Any:
        async with Client(server(folder, *more), read_timeout_seconds=60, **client) as host:
            return await do(host)

    return asyncio.run(asyncio.wait_for(conversation(), 90))


@pytest.mark.parametrize("mode", ERAS)
def test_a_workflow_is_a_tool_with_its_inputs_and_outputs(tmp_path: Path, mode: str) -> None:
    async def look(host: Client) -> Any:
        return await host.list_tools()

    tools = {tool.name: tool for tool in talk(tmp_path, look, mode=mode).tools}
    assert {"greet", "ship", "slow", "broken", "prompt_nano_agent", "start_run", "get_run"} <= set(tools)
    assert not {"answer", "cancel_run"} & set(tools)
    greet = tools["greet"]
    assert greet.description == "Greets somebody."
    assert greet.input_schema["required"] == ["who"]
    assert greet.input_schema["properties"]["times"] == {"type": "integer", "default": 1}
    assert greet.output_schema["required"] == ["said", "words"]


@pytest.mark.parametrize("mode", ERAS)
def test_a_call_runs_the_workflow_and_tells_its_progress(tmp_path: Path, mode: str) -> None:
    told: list[tuple[float, str | None]] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:
        told.append((done, message))

    async def call(host: Client) -> Any:
        return await host.call_tool("greet", {"who": "Ada"}, progress_callback=heard)

    result = talk(tmp_path, call, mode=mode)
    assert not result.is_error
    assert result.structured_content["said"] == "hello Ada"
    assert json.loads(result.content[0].text)["said"] == "hello Ada"
    assert result.meta["nano-flow/run"]["status"] == "succeeded"
    assert [message for _, message in told if message and "shout" in message] != []
    numbers = [done for done, _ in told]
    assert numbers == sorted(set(numbers))


def test_what_goes_wrong_is_the_calls_result(tmp_path: Path) -> None:
    async def call(host: Client) -> Any:
        return [
            await host.call_tool("broken", {}),
            await host.call_tool("greet", {}),
            await host.call_tool("greet", {"who": "Ada", "how": "loud"}),
            await host.call_tool("get_run", {"run_id": "nowhere"}),
            await host.call_tool("start_run", {"workflow": "other"}),
        ]

    broken, missing, unknown, nowhere, other = talk(tmp_path, call)
    assert all(result.is_error for result in (broken, missing, unknown, nowhere, other))
    assert "failed" in broken.content[0].text and "bad" in broken.content[0].text
    assert "who" in missing.content[0].text
    assert "how" in unknown.content[0].text
    assert "greet, ship" in other.content[0].text


def test_plans_and_decisions_are_told_without_sending_anything(tmp_path: Path) -> None:
    async def call(host: Client) -> Any:
        plan = await host.call_tool("plan_workflow", {"workflow": "greet", "inputs": {"who": "Ada"}})
        decision = await host.call_tool("explain_model", {"prompt": "Translate this sentence"})
        file = await host.call_tool("explain_model", {"prompt": "@/etc/hostname"})
        return plan, decision, file

    plan, decision, file = talk(tmp_path, call)
    assert plan.structured_content["schema"] == "nano-flow/plan@1"
    assert [step["id"] for step in plan.structured_content["steps"]] == ["say", "shout"]
    assert decision.structured_content["candidates"] or decision.structured_content["refused"]
    assert not file.is_error  # a prompt, not the name of a file
    assert not (tmp_path / ".nano-flow" / "state.db").exists()


def test_a_tool_that_is_not_offered_is_an_error_of_the_protocol(tmp_path: Path) -> None:
    async def call(host: Client) -> Any:
        with pytest.raises(MCPError, match="cancel_run"):
            await host.call_tool("cancel_run", {"run_id": "last"})

    talk(tmp_path, call)


@pytest.mark.parametrize("mode", ERAS)
def test_a_question_goes_to_the_person_at_the_host(tmp_path: Path, mode: str) -> None:
    asked: list[Any] = []

    async def person(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params)
        return types.ElicitResult(action="accept", content={"decision": "publish", "title": "1.2", "count": 2})

    async def call(host: Client) -> Any:
        return await host.call_tool("ship", {})

    info = types.Implementation(name="tester", version="1")
    result = talk(tmp_path, call, mode=mode, elicitation_callback=person, client_info=info)
    assert not result.is_error, result
    assert result.structured_content == {"line": "publish 1.2", "by": "mcp:tester"}
    assert asked[0].message == "Publish 2 rows?"
    schema = dict(asked[0].requested_schema)
    assert schema["properties"]["decision"]["enum"] == ["publish", "discard"]
    assert schema["required"] == ["decision", "title"]


@pytest.mark.parametrize("mode", ERAS)
def test_a_host_without_forms_is_told_that_the_run_waits(tmp_path: Path, mode: str) -> None:
    async def call(host: Client) -> Any:
        waits = await host.call_tool("ship", {})
        run_id = waits.meta["nano-flow/run"]["run_id"]
        shown = await host.call_tool("get_run", {"run_id": run_id})
        wrong = await host.call_tool("answer", {"run_id": run_id, "address": "ask", "decision": "perhaps"})
        told = {"run_id": run_id, "address": "ask", "decision": "publish", "input": {"title": "2.0"}}
        answered = await host.call_tool("answer", told)
        document: Any = {"status": "running"}
        while document["status"] in ("paused", "running"):
            document = (await host.call_tool("get_run", {"run_id": run_id})).structured_content
        return waits, shown, wrong, answered, document

    waits, shown, wrong, answered, document = talk(tmp_path, call, "--allow", "answer", mode=mode)
    assert waits.is_error and "nano-flow resume" in waits.content[0].text
    assert shown.structured_content["questions"][0]["options"] == ["publish", "discard"]
    assert wrong.is_error and "perhaps" in wrong.content[0].text
    assert not answered.is_error
    assert document["status"] == "succeeded"
    assert document["outputs"]["line"] == "publish 2.0"
    assert document["outputs"]["by"].startswith("mcp:")


def test_the_agent_answers_as_nano_agents_did(tmp_path: Path) -> None:
    async def call(host: Client) -> Any:
        good = await host.call_tool("prompt_nano_agent", {"agentic_prompt": "Say hello", "read_only": True})
        bad = await host.call_tool("prompt_nano_agent", {"agentic_prompt": "Say hello", "provider": "nobody"})
        worse = await host.call_tool("prompt_nano_agent", {"agentic_prompt": "  "})
        return good.structured_content, bad.structured_content, worse.structured_content

    good, bad, worse = talk(tmp_path, call)
    assert (good["success"], good["error"]) == (True, None)
    assert isinstance(good["result"], str)
    assert good["execution_time_seconds"] > 0
    assert good["metadata"]["status"] == "succeeded"
    assert (bad["success"], bad["result"]) == (False, None)
    assert "nobody" in bad["error"]
    assert (worse["success"], worse["error"]) == (False, "the prompt is empty")


def started(folder: Path, mode: str, then: Callable[[asyncio.Task[Any]], Awaitable[None]]) -> None:
    """Begin the slow workflow, and do ``then`` once its step runs."""

    async def call(host: Client) -> Any:
        running = asyncio.Event()

        async def heard(done: float, total: float | None, message: str | None) -> None:
            if message == "sleep started":
                running.set()

        task = asyncio.create_task(host.call_tool("slow", {}, progress_callback=heard))
        await running.wait()
        await then(task)

    talk(folder, call, mode=mode)


def there(path: Path) -> None:
    """Wait until a file exists, ten seconds at most."""
    until = time.monotonic() + 10
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)


def status(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The latest run, once nobody works on it any more."""
    until = time.monotonic() + 20
    while True:
        assert run_command(["-C", str(folder), "runs", "show", "last", "--json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        if document["status"] != "running" or time.monotonic() > until:
            return document


@pytest.mark.parametrize("mode", ERAS)
def test_a_call_that_is_withdrawn_cancels_its_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    async def withdraw(task: asyncio.Task[Any]) -> None:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(there, tmp_path / "cleaned")

    started(tmp_path, mode, withdraw)
    document = status(tmp_path, capsys)
    assert (document["status"], document["stop"]["reason"]) == ("cancelled", "cancelled")
    assert (tmp_path / "cleaned").exists()


def test_a_host_that_goes_away_leaves_a_run_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Gone(Exception):
        pass

    async def vanish(task: asyncio.Task[Any]) -> None:
        task.add_done_callback(lambda ended: ended.exception())  # it is heard, and expected
        raise Gone

    with pytest.raises(BaseExceptionGroup) as gone:
        started(tmp_path, "legacy", vanish)
    assert gone.group_contains(Gone)
    document = status(tmp_path, capsys)
    assert (document["status"], document["stop"]["reason"]) == ("paused", "interrupt")
    assert not (tmp_path / "cleaned").exists()


def test_runs_are_resources(tmp_path: Path) -> None:
    async def call(host: Client) -> Any:
        await host.call_tool("greet", {"who": "Ada"})
        (listed,) = (await host.list_resources()).resources
        read = await host.read_resource(listed.uri)
        with pytest.raises(MCPError):
            await host.read_resource("nano-flow://runs/nowhere")
        with pytest.raises(MCPError):
            await host.read_resource("file:///etc/passwd")
        return json.loads(read.contents[0].text)

    document = talk(tmp_path, call)
    assert (document["schema"], document["status"]) == ("nano-flow/run@1", "succeeded")
