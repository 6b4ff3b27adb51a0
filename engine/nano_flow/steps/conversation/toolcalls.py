"""Tool calls that a model asks for: checked, run once, told back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, Message, ToolCall
from nano_flow.core.text import as_text
from nano_flow.ports import Tool
from nano_flow.steps.context import Execution
from nano_flow.steps.output import OutputBroken, check_schema, parse_json
from nano_flow.steps.tools.calls import run_tool

_RESULT_CAP = 20_000
"""Characters of a tool's result that a model is shown."""

_MAX_FAILURES = 3
"""Failed calls of one tool before the step fails."""


@dataclass(slots=True)
class ToolDesk:
    """Runs the tool calls of one agent and counts what goes wrong."""

    execution: Execution
    tools: Mapping[str, Tool]
    failures: Counter[str] = field(default_factory=Counter)

    async def serve(self, calls: tuple[ToolCall, ...], turn: int) -> list[Message]:
        """Run the calls of one turn side by side, those that write the same thing in order.

        Raises StepError once a tool has failed too often.
        """
        last_writer: dict[str, asyncio.Task[str]] = {}
        tasks: list[asyncio.Task[str]] = []
        loop = asyncio.get_running_loop()
        for index, call in enumerate(calls):
            key = self._writes(call)
            task = loop.create_task(self._serve_one(call, turn, index, last_writer.get(key) if key else None))
            tasks.append(task)
            if key:
                last_writer[key] = task
        try:
            results = await asyncio.gather(*tasks)
        finally:
            alive = [task for task in tasks if not task.done()]
            for task in alive:
                task.cancel()
            if alive:
                await asyncio.wait(alive)
            for task in tasks:
                if not task.cancelled():
                    task.exception()  # gather raised the first; the others must not be printed by asyncio
        self._give_up_if_hopeless()
        return [Message("tool", text, tool_call_id=call.id) for call, text in zip(calls, results, strict=True)]

    def _writes(self, call: ToolCall) -> str | None:
        tool = self.tools.get(call.name)
        try:
            arguments = parse_json(call.arguments or "{}")
        except OutputBroken:
            return None
        return tool.writes(arguments) if tool is not None and isinstance(arguments, dict) else None

    async def _serve_one(self, call: ToolCall, turn: int, index: int, after: asyncio.Task[str] | None) -> str:
        if after is not None:
            await asyncio.wait([after])
        try:
            tool, arguments = self._checked(call)
            return _capped(await run_tool(self.execution, tool, arguments, (turn, str(index))))
        except StepError as error:
            self.failures[call.name] += 1
            return f"error: {error}"

    def _checked(self, call: ToolCall) -> tuple[Tool, Mapping[str, Json]]:
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted(self.tools)) or "none"
            raise StepError("tool", f'there is no tool "{call.name}" in this step; there are: {known}')
        try:
            arguments = parse_json(call.arguments or "{}")
            check_schema(arguments, tool.spec.parameters)
        except OutputBroken as error:
            raise StepError("tool", f'the arguments of "{call.name}" are wrong: {error}') from None
        if not isinstance(arguments, dict):
            raise StepError("tool", f'the arguments of "{call.name}" must be an object')
        return tool, arguments

    def _give_up_if_hopeless(self) -> None:
        for name, count in self.failures.items():
            if count >= _MAX_FAILURES:
                raise StepError("tool", f'the tool "{name}" failed {count} times')


def readable_calls(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """The calls for the history; arguments that are no JSON object break the next turn at some providers."""
    return tuple(call if _is_object(call.arguments) else ToolCall(call.id, call.name, "{}") for call in calls)


def _is_object(text: str) -> bool:
    try:
        return isinstance(parse_json(text), dict)
    except OutputBroken:
        return False


def _capped(result: Json) -> str:
    text = as_text(result)
    if len(text) <= _RESULT_CAP:
        return text
    return f"{text[:_RESULT_CAP]}\n[cut: {len(text) - _RESULT_CAP} more characters]"
