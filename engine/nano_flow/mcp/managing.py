"""The tools that manage runs: plan, start, look, answer, cancel, explain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import mcp_types as types

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.mcp.asked import answer, open_questions
from nano_flow.mcp.calls import Call
from nano_flow.mcp.offer import Offer
from nano_flow.mcp.questions import Filled, fitting
from nano_flow.mcp.resources import run_of
from nano_flow.mcp.results import told
from nano_flow.mcp.running import Runner, RunRequest
from nano_flow.operations.money.plan_document import plan_document
from nano_flow.operations.policy.explaining import PromptOptions, explain_text
from nano_flow.operations.runs.changing import cancel_run
from nano_flow.operations.runs.starting import GivenInputs, RunOptions

Handler: TypeAlias = Callable[[Call, Mapping[str, Json]], Awaitable[types.CallToolResult]]

_TEXT: Json = {"type": "string"}
_WORKFLOW: Json = {"type": "string", "description": "The name of an offered workflow"}
_INPUTS: Json = {"type": "object", "description": "Its inputs, as that workflow's own tool takes them"}
_RUN: Json = {"type": "string", "description": "A run's id"}


def _tool(
    name: str, description: str, properties: dict[str, Json], required: list[Json], *, reads: bool = False
) -> types.Tool:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    hints = types.ToolAnnotations(read_only_hint=reads, open_world_hint=not reads)
    return types.Tool(name=name, description=description, input_schema=schema, annotations=hints)


_PLAN = _tool(
    "plan_workflow",
    "What a workflow would run, on which models, why, and for how much. Sends nothing.",
    {"workflow": _WORKFLOW, "inputs": _INPUTS},
    ["workflow"],
    reads=True,
)
_START = _tool(
    "start_run",
    "Starts a workflow and comes back at once with the run's id; get_run tells how it goes.",
    {"workflow": _WORKFLOW, "inputs": _INPUTS},
    ["workflow"],
)
_GET = _tool("get_run", "How a run stands: status, steps, outputs, cost.", {"run_id": _RUN}, ["run_id"], reads=True)
_EXPLAIN = _tool(
    "explain_model",
    "Which model a prompt would go to, and the rules and points that lead there. Sends nothing.",
    {"prompt": _TEXT, "tags": {"type": "array", "items": _TEXT}, "policy": _TEXT},
    ["prompt"],
    reads=True,
)
_ANSWER = _tool(
    "answer",
    "Answers the question that a run asks at an address.",
    {"run_id": _RUN, "address": _TEXT, "decision": _TEXT, "input": {}, "comment": _TEXT},
    ["run_id", "address", "decision"],
)
_CANCEL = _tool("cancel_run", "Ends a run; what is paid is kept.", {"run_id": _RUN}, ["run_id"])
MANAGING: tuple[tuple[str | None, types.Tool], ...] = (
    (None, _PLAN),
    (None, _START),
    (None, _GET),
    (None, _EXPLAIN),
    ("answer", _ANSWER),
    ("run", _CANCEL),
)
"""Each tool with the right it needs (``mcp --allow``); None: it is always there."""


@dataclass(frozen=True, slots=True)
class Managing:
    """Does what these tools ask for."""

    offer: Offer
    runner: Runner

    async def call(self, call: Call, name: str, arguments: Mapping[str, Json]) -> types.CallToolResult:
        """Run one of them. Raises NanoFlowError."""
        _check(name, arguments)
        handlers: dict[str, Handler] = {
            "plan_workflow": self._plan,
            "start_run": self._start,
            "get_run": self._get,
            "explain_model": self._explain,
            "answer": self._answer,
            "cancel_run": self._cancel,
        }
        return await handlers[name](call, arguments)

    async def _plan(self, call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult:
        workflow = self.offer.workflow(str(arguments["workflow"]))
        inputs = arguments.get("inputs")
        given = GivenInputs(data=inputs if isinstance(inputs, dict) else {})
        options = RunOptions(offline=self.offer.offline, budget=self.offer.budget)
        return told(await asyncio.to_thread(plan_document, self.offer.place, workflow.path, given, options))

    async def _start(self, call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult:
        workflow = self.offer.workflow(str(arguments["workflow"]))
        inputs = arguments.get("inputs")
        given = inputs if isinstance(inputs, dict) else {}
        live = self.runner.start(RunRequest(workflow.path, given, self.runner.options()))
        await live.started.wait()
        if live.task.done():
            live.task.result()  # what kept it from starting is this call's error
        return told({"run_id": live.run_id, "workflow": workflow.name, "status": "running"})

    async def _get(self, call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult:
        run_id = str(arguments["run_id"])
        document = run_of(self.offer, run_id)
        asked: list[Json] = [
            {
                "address": question.address,
                "message": question.message,
                "options": list(question.options),
                "input_schema": None if question.input_schema is None else dict(question.input_schema),
            }
            for question in open_questions(self.offer, str(document["run_id"]))
        ]
        return told({**document, "questions": asked})

    async def _explain(self, call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult:
        tags, policy = arguments.get("tags"), str(arguments.get("policy") or "default")
        given = PromptOptions(tuple(str(tag) for tag in tags) if isinstance(tags, list) else (), policy_name=policy)
        return told(dict(explain_text(self.offer.place, str(arguments["prompt"]), given)))

    async def _answer(self, call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult:
        run_id = str(run_of(self.offer, str(arguments["run_id"]))["run_id"])
        address = str(arguments["address"])
        found = [question for question in open_questions(self.offer, run_id) if question.address == address]
        if not found:
            raise UsageError(f'run {run_id} asks nothing at "{address}"; get_run lists its questions')
        given = Filled(str(arguments["decision"]), arguments.get("input"), str(arguments.get("comment") or ""))
        try:
            filled = fitting(found[0], given)
        except ValueError as error:
            raise UsageError(str(error)) from None
        answer(self.offer, run_id, address, filled, call.host.by)
        if self.runner.find(run_id) is None:
            self.runner.resume(run_id)
        return told({"run_id": run_id, "address": address, "decision": filled.decision, "by": call.host.by})

    async def _cancel(self, call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult:
        run_id = str(run_of(self.offer, str(arguments["run_id"]))["run_id"])
        live = self.runner.find(run_id)
        if live is not None:
            live.stop(cancel=True, why=f"cancelled by {call.host.by}")
        else:
            await asyncio.to_thread(cancel_run, self.offer.place, run_id)
        return told({"run_id": run_id, "asked": True})


def _check(name: str, arguments: Mapping[str, Json]) -> None:
    """Raises UsageError for what the tool's schema does not admit: not every host looks at it."""
    from nano_flow.operations.runs.asking import OutputBroken, check_schema

    (schema,) = [tool.input_schema for _, tool in MANAGING if tool.name == name]
    try:
        check_schema(dict(arguments), schema)
    except OutputBroken as error:
        raise UsageError(str(error).removeprefix("the value: ")) from None
