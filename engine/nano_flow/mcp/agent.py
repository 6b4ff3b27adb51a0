"""``prompt_nano_agent``: one agent with file tools, as nano-agent's users call it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import mcp_types as types

from nano_flow.core.errors import NanoFlowError, UsageError
from nano_flow.core.messages import Json
from nano_flow.mcp.calls import Call, finish
from nano_flow.mcp.offer import AGENT_TOOL
from nano_flow.mcp.results import summary, told
from nano_flow.mcp.running import RunRequest
from nano_flow.operations.runs.starting import FILE_TOOLS, RunReport, agent_document

WRITING = frozenset({"write_file", "edit_file"})
_TOOL_NAMES: Json = {"type": "array", "items": {"type": "string", "enum": list(FILE_TOOLS)}}
AGENT = types.Tool(
    name=AGENT_TOOL,
    description=(
        "Gives a task to an agent that can read, write and search files of this project. Without a model the task is "
        "routed to one that fits it."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "agentic_prompt": {"type": "string", "minLength": 1, "description": "The task, in plain words"},
            "model": {"type": "string", "description": "A model of the provider, provider/model, or a tier"},
            "provider": {"type": "string", "description": "Only models of this provider"},
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            "max_tokens": {"type": "integer", "minimum": 1, "description": "Longest reply, in tokens"},
            "allowed_tools": _TOOL_NAMES,
            "blocked_tools": _TOOL_NAMES,
            "read_only": {"type": "boolean", "default": False, "description": "No tool that writes"},
        },
        "required": ["agentic_prompt"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {
            "success": {"type": "boolean"},
            "result": {"type": ["string", "null"]},
            "error": {"type": ["string", "null"]},
            "metadata": {"type": "object"},
            "execution_time_seconds": {"type": "number"},
        },
        "required": ["success", "result", "error", "metadata", "execution_time_seconds"],
    },
)


async def call_agent(call: Call, arguments: Mapping[str, Json]) -> types.CallToolResult | types.InputRequiredResult:
    """Run one agent. What goes wrong is ``success: false`` with its ``error``, never an exception of the protocol."""
    began = time.monotonic()
    try:
        check_arguments(arguments)
        report = await finish(call, _request(call, arguments))
    except NanoFlowError as error:
        return told(_reply(began, error=str(error)))
    if not isinstance(report, RunReport):
        return report
    document = report.document
    outputs = document["outputs"]
    metadata = {**summary(document), "provider": None, "model": None, **_served(document)}
    if document["status"] == "succeeded" and isinstance(outputs, dict):
        answer = outputs["answer"]
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return told(_reply(began, text, metadata=metadata))
    return told(_reply(began, error=str(document.get("error") or document["status"]), metadata=metadata))


def check_arguments(arguments: Mapping[str, Json]) -> None:
    """Raises UsageError for what the input schema does not admit: not every host looks at it."""
    from nano_flow.operations.runs.asking import OutputBroken, check_schema

    try:
        check_schema(dict(arguments), AGENT.input_schema)
    except OutputBroken as error:
        raise UsageError(str(error).removeprefix("the value: ")) from None
    if not str(arguments["agentic_prompt"]).strip():
        raise UsageError("the prompt is empty")


def _request(call: Call, arguments: Mapping[str, Json]) -> RunRequest:
    document: dict[str, Json] = json.loads(agent_document(_tools(arguments)))
    step = document["steps"]["answer"]  # type: ignore[index,call-overload]
    if "temperature" in arguments:
        step["params"] = {"temperature": arguments["temperature"]}  # type: ignore[index,call-overload]
    if "max_tokens" in arguments:
        step["max_output_tokens"] = arguments["max_tokens"]  # type: ignore[index,call-overload]
    path = str(call.offer.folder / "ask.yaml")
    model, provider = arguments.get("model"), arguments.get("provider")
    options = call.runner.options(model=str(model) if model else None, provider=str(provider) if provider else None)
    inputs: dict[str, Json] = {"prompt": arguments["agentic_prompt"]}
    return RunRequest(path, inputs, options, {path: json.dumps(document)})


def _tools(arguments: Mapping[str, Json]) -> list[str]:
    allowed, blocked = arguments.get("allowed_tools"), arguments.get("blocked_tools")
    names = [str(name) for name in allowed] if isinstance(allowed, list) else list(FILE_TOOLS)
    without = {str(name) for name in blocked} if isinstance(blocked, list) else set()
    if arguments.get("read_only"):
        without |= WRITING
    return [name for name in names if name not in without]


def _served(document: Mapping[str, Json]) -> dict[str, Json]:
    """Who answered, and in how many calls."""
    rows = document.get("steps")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(model := row.get("model"), str):
            provider, _, name = model.partition("/")
            attempts = row.get("attempts")
            return {
                "provider": provider,
                "model": name,
                "turns_used": len(attempts) if isinstance(attempts, list) else 0,
            }
    return {}


def _reply(
    began: float, result: str | None = None, *, error: str | None = None, metadata: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    return {
        "success": error is None,
        "result": result,
        "error": error,
        "metadata": dict(metadata or {}),
        "execution_time_seconds": round(time.monotonic() - began, 3),
    }
