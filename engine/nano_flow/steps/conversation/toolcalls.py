"""Tool calls that a model asks for: checked, run once, told back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json, Message, ToolCall
from nano_flow.core.text import as_text
from nano_flow.ports import Tool
from nano_flow.steps.beside import judged
from nano_flow.steps.context import Execution
from nano_flow.steps.output import OutputBroken, parse_json
from nano_flow.steps.tools.calls import run_tool

_RESULT_CAP = 20_000
"""Characters of a tool's result that a model is shown."""
_TAIL = 5_000
"""Characters of it that are taken from the end: what commands print last is often what counts."""

_MAX_FAILURES = 3
"""Turns in a row in which a tool fails before the step fails."""
_TOLD_AFTER = 3
"""Equal calls in a row with equal results after which the model is told."""
_ENDED_AFTER = 6
"""The same, after which the step fails: nothing new comes of it, and each turn is paid."""
_MAX_CALLS = 64
"""Calls of one turn that are served; the model is told of the others."""
_AT_ONCE = 16
"""Calls of one turn that run at the same time."""


_Checked = tuple[Tool, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class _Served:
    """What a model is told of a call."""

    text: str
    failed: bool = False


@dataclass(slots=True)
class ToolDesk:
    """Runs the tool calls of one agent and counts what goes wrong."""

    execution: Execution
    tools: Mapping[str, Tool]
    failures: Counter[str] = field(default_factory=Counter)
    last: tuple[str, str, str] | None = None
    """Name, arguments and result of the latest call."""
    in_a_row: int = 0
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def serve(self, calls: tuple[ToolCall, ...], turn: int) -> list[Message]:
        """Run the calls of one turn side by side, those that write the same thing in order.

        Raises StepError once a tool has failed too often.
        """
        tasks = self._started([await self._checked(call) for call in calls], turn)
        try:
            results = await asyncio.gather(*tasks)
        finally:
            alive = [task for task in tasks if not task.done()]
            for task in alive:
                task.cancel()
            if alive:
                await asyncio.wait(alive)
        self._count(calls, results)
        note = self._note({(call.name, call.arguments, done.text) for call, done in zip(calls, results, strict=True)})
        texts = [*(done.text for done in results[:-1]), results[-1].text + note]
        return [Message("tool", text, tool_call_id=call.id) for call, text in zip(calls, texts, strict=True)]

    def _note(self, seen: set[tuple[str, str, str]]) -> str:
        """What is added to a result that the model has seen turn after turn. Raises StepError where it goes on.

        ``seen`` has name, arguments and result of each call of a turn.
        """
        this = next(iter(seen)) if len(seen) == 1 else None
        self.in_a_row = self.in_a_row + 1 if this is not None and this == self.last else 1
        self.last = this
        if this is not None and self.in_a_row >= _ENDED_AFTER:
            raise StepError(
                "tool_loop",
                f'"{this[0][:100]}" was called {self.in_a_row} times in a row with the same arguments and result; '
                "say in the prompt what to do with the result, or name a model that follows it",
            )
        if self.in_a_row < _TOLD_AFTER:
            return ""
        return f"\n[the same call gave the same result {self.in_a_row} times in a row: use it, or do something else]"

    def _started(self, calls: list[_Checked | StepError], turn: int) -> list[asyncio.Task[_Served]]:
        last_writer: dict[str, asyncio.Task[_Served]] = {}
        tasks: list[asyncio.Task[_Served]] = []
        loop = asyncio.get_running_loop()
        for index, checked in enumerate(calls):
            key = checked[0].writes(checked[1]) if isinstance(checked, tuple) else None
            after = last_writer.get(key) if key else None
            task = loop.create_task(self._serve_one(checked, (turn, index), after))
            tasks.append(task)
            if key:
                last_writer[key] = task
        return tasks

    async def _serve_one(
        self, checked: _Checked | StepError, place: tuple[int, int], after: asyncio.Task[_Served] | None
    ) -> _Served:
        turn, index = place
        if index >= _MAX_CALLS:
            return _Served(f"error: not run: at most {_MAX_CALLS} calls are served in one turn")
        if after is not None:
            await asyncio.wait([after])
        try:
            if isinstance(checked, StepError):
                raise checked
            tool, arguments = checked
            async with self.free:
                return _Served(_capped(await run_tool(self.execution, tool, arguments, (turn, str(index)))))
        except OutputLimit as error:
            return _Served(f"{_capped(error.partial)}\n[cut: {error}]")
        except StepError as error:
            if error.kind in ("tool_changed", "handed_over"):
                raise
            return _Served(_capped(f"error: {error}"), failed=True)

    async def _checked(self, call: ToolCall) -> _Checked | StepError:
        """The tool and its arguments, or what is wrong with the call."""
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted(self.tools)) or "none"
            return StepError("tool", f'there is no tool "{call.name[:100]}" in this step; there are: {known}')
        try:
            arguments = parse_json(call.arguments or "{}")
            await judged(arguments, tool.spec.parameters)
        except OutputBroken as error:
            return StepError("tool", f'the arguments of "{call.name}" are wrong: {error}')
        if not isinstance(arguments, dict):
            return StepError("tool", f'the arguments of "{call.name}" must be an object')
        return tool, arguments

    def _count(self, calls: tuple[ToolCall, ...], results: list[_Served]) -> None:
        """A tool that worked in a turn begins anew; one that only failed comes nearer to the end of the step."""
        worked = {call.name for call, done in zip(calls, results, strict=True) if not done.failed}
        failed = {call.name: done.text for call, done in zip(calls, results, strict=True) if done.failed}
        for name in worked:
            self.failures.pop(name, None)
        for name, text in failed.items():
            if name in worked:
                continue
            self.failures[name] += 1
            if self.failures[name] >= _MAX_FAILURES:
                said = text.removeprefix("error: ")[:500]
                raise StepError("tool", f'the tool "{name[:100]}" failed {_MAX_FAILURES} times; the last time: {said}')


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
    head = _RESULT_CAP - _TAIL
    return f"{text[:head]}\n[cut: {len(text) - _RESULT_CAP} characters]\n{text[-_TAIL:]}"
