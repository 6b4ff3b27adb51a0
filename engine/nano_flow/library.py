"""nano-flow from Python: run a workflow, watch it, ask one agent."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from nano_flow.adapters import store_address
from nano_flow.app import run_workflow
from nano_flow.core.errors import NanoFlowError, UsageError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.core.money import money
from nano_flow.locate import project_folder, state_folder, store_folder
from nano_flow.parts import Surroundings
from nano_flow.plugins import lending
from nano_flow.ports import EventSink, Tool
from nano_flow.project.around.env_file import variables_beside
from nano_flow.project.preparing import GivenInputs, RunOptions
from nano_flow.results import AgentReply, RunResult, reply_of, result_of
from nano_flow.tools.functions import DescribedTool, Given, OwnTool, tools_of

FILE_TOOLS = ("read_file", "write_file", "edit_file", "list_directory", "get_file_info", "search_files")
"""The tools that ``prompt_nano_agent`` gives to its agent."""


@dataclass(frozen=True, slots=True)
class Where:
    """Folders of a run: None looks them up as the command line does."""

    state_dir: Path | None = None
    config_dir: Path | None = None
    workspace: Path | None = None
    env_file: bool = True
    """Whether the ``.env`` beside the project fills up what the environment does not say."""


def run(
    file: str | os.PathLike[str],
    inputs: Mapping[str, Json] | None = None,
    *,
    options: RunOptions | None = None,
    where: Where | None = None,
) -> RunResult:
    """Run a workflow to its end. See ``arun``; UsageError where an event loop is running, which would wait for ever."""
    if _loop_is_running():
        raise UsageError("nano_flow.run cannot be called where an event loop is running: await nano_flow.arun(…)")
    return asyncio.run(arun(file, inputs, options=options, where=where))


async def arun(
    file: str | os.PathLike[str],
    inputs: Mapping[str, Json] | None = None,
    *,
    options: RunOptions | None = None,
    where: Where | None = None,
    sinks: Sequence[EventSink] = (),
) -> RunResult:
    """Run a workflow to its end, or until it pauses.

    A run that fails is a result with ``status == "failed"``. Raises DocumentError for an invalid document, UsageError
    for wrong inputs (both before anything is sent), StoreError where the journal cannot be written. Cancelling the
    task pauses the run; it can be resumed.
    """
    given, chosen = GivenInputs(data=dict(inputs or {})), options or RunOptions()
    report = await run_workflow(os.fspath(file), given, chosen, _surroundings(where, sinks, file), _config(where))
    return result_of(report)


def stream(
    file: str | os.PathLike[str],
    inputs: Mapping[str, Json] | None = None,
    *,
    options: RunOptions | None = None,
    where: Where | None = None,
) -> Iterator[Event]:
    """Run a workflow in a thread and yield its events as they happen; raises what ``run`` raises, at the end.

    Who stops reading (``break``, ``close``) pauses the run; it can be resumed.
    """
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    raised: list[BaseException] = []

    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[RunResult]]] = []

    async def watched() -> None:
        run = arun(file, inputs, options=options, where=where, sinks=(_QueueSink(events),))
        task = asyncio.create_task(run)
        running.append((asyncio.get_running_loop(), task))
        await task

    def work() -> None:
        try:
            asyncio.run(watched())
        except asyncio.CancelledError:
            pass  # nobody reads any more
        except NanoFlowError as error:
            raised.append(error)
        finally:
            events.put(None)

    thread = threading.Thread(target=work, name="nano-flow", daemon=True)
    thread.start()
    try:
        while (event := events.get()) is not None:
            yield event
    finally:
        for loop, task in running:
            with suppress(RuntimeError):  # the loop is closed: the run is over
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
    if raised:
        raise raised[0]


async def prompt_nano_agent(
    agentic_prompt: str,
    model: str | None = None,
    provider: str | None = None,
    *,
    tools: Given | Sequence[Given] = FILE_TOOLS,
    options: RunOptions | None = None,
    where: Where | None = None,
) -> AgentReply:
    """One agent with file tools on the workspace, routed unless ``model`` names one.

    ``model`` is ``provider/model``, a tier, or a model of ``provider``, by its dated name too. ``tools`` are names of
    built-in tools, functions (their signature and docstring describe them), or descriptions in the form of OpenAI or
    Anthropic: a call of one of the latter ends the agent and stands in ``AgentReply.tool_calls``. Raises UsageError
    for names that do not exist, RunError where there is no answer.
    """
    if not agentic_prompt or not agentic_prompt.strip():
        raise UsageError("the prompt is empty")
    given = options or RunOptions()
    chosen = replace(given, model=model or given.model, provider=provider or given.provider)
    names, own = tools_of([tools] if isinstance(tools, str | Mapping) or callable(tools) else tools, FILE_TOOLS)
    path = _ask_path(where)
    with lending({name: partial(_lend, tool) for name, tool in own.items()}):
        report = await run_workflow(
            path,
            GivenInputs(data={"prompt": agentic_prompt}),
            chosen,
            _surroundings(where, ()),
            _config(where),
            texts={path: agent_document(names)},
        )
    return reply_of(result_of(report), [call for tool in own.values() for call in _handed_over(tool)])


async def execute_with_fallback(
    prompt: str,
    tools: Given | Sequence[Given] = (),
    provider: str | None = None,
    *,
    options: RunOptions | None = None,
    where: Where | None = None,
) -> AgentReply:
    """One routed agent with the fallbacks of ``routing.yaml``; ``provider`` restricts who may answer.

    ``tools`` as for ``prompt_nano_agent``.
    """
    return await prompt_nano_agent(prompt, None, provider, tools=tools, options=options, where=where)


def _lend(tool: OwnTool, folder: str, environ: Mapping[str, str]) -> Tool:
    return tool


def _handed_over(tool: OwnTool) -> Sequence[Mapping[str, Json]]:
    return tool.calls if isinstance(tool, DescribedTool) else ()


def agent_document(tools: Sequence[str]) -> str:
    """A workflow of one agent whose prompt is an input, so that nothing in it is taken for a template."""
    step: dict[str, Json] = {"prompt": "{{ inputs.prompt }}"}
    if tools:
        step["tools"] = list(tools)
    document = {
        "nano_flow": 1,
        "name": "ask",
        "inputs": {"prompt": {"type": "string"}},
        "steps": {"answer": step},
        "outputs": {"answer": "{{ steps.answer.output }}"},
    }
    return json.dumps(document, indent=1)


def budget(usd: str | int | Decimal) -> RunOptions:
    """Options with a budget of ``usd`` dollars."""
    return RunOptions(budget=money(usd))


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _QueueSink:
    def __init__(self, events: queue.SimpleQueue[Event | None]) -> None:
        self._events = events

    def handle(self, event: Event) -> None:
        """Pass it on."""
        self._events.put(event)

    def close(self) -> None:
        """The end is told by the thread."""


def _surroundings(
    where: Where | None, sinks: Sequence[EventSink], file: str | os.PathLike[str] | None = None
) -> Surroundings:
    chosen, folder = where or Where(), None if file is None else Path(file).parent
    return Surroundings(
        state_folder(chosen.state_dir, os.environ, Path.cwd(), folder),
        sinks,
        stream=bool(sinks),
        environ=_variables(chosen, file),
        address=store_address(store_folder(Path.cwd(), folder), chosen.config_dir, os.environ),
    )


def _variables(where: Where, file: str | os.PathLike[str] | None) -> dict[str, str]:
    """The environment, and what the ``.env`` beside the project adds to it. Raises UsageError."""
    if not where.env_file:
        return dict(os.environ)
    folder = project_folder(Path.cwd(), None if file is None else Path(file).parent)
    return variables_beside(folder, os.environ)


def _ask_path(where: Where | None) -> str:
    """Where the file of an agent would lie: its folder is the workspace."""
    return os.path.join(os.path.abspath((where or Where()).workspace or os.curdir), "ask.yaml")


def _config(where: Where | None) -> Path | None:
    return where.config_dir if where else None
