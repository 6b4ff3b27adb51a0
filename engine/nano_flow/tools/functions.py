"""Functions of the program around the engine as tools, and descriptions of tools that somebody else will call."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError, validate_call
from pydantic_core import to_jsonable_python

from nano_flow.core.errors import StepError, UsageError
from nano_flow.core.messages import Json, ToolSpec

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
HANDED_OVER = "handed_over"
"""The class of error by which a call of a tool without code ends its agent."""
Given = str | Callable[..., object] | Mapping[str, Any]
"""A tool by its name, a function, or a description in the form of OpenAI or Anthropic."""


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function. Nobody knows what it changes, so calls run in order and none is repeated silently."""

    spec: ToolSpec
    function: Callable[..., object]
    repeatable: bool = False

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """In order with its other calls."""
        return f"function:{self.spec.name}"

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Call it: in a thread where it is no coroutine. StepError for arguments that it does not take."""
        checked = validate_call(self.function)
        try:
            is_coroutine = inspect.iscoroutinefunction(self.function)
            result = checked(**arguments) if is_coroutine else await asyncio.to_thread(checked, **arguments)
            result = await result if inspect.isawaitable(result) else result
        except (ValidationError, TypeError) as error:
            raise StepError("tool", f'"{self.spec.name}" does not take these arguments: {error}') from error
        plain: Json = to_jsonable_python(result, fallback=str)
        return plain


@dataclass(frozen=True, slots=True)
class DescribedTool:
    """A tool without code: what a model asks of it is handed to the caller, and the agent ends."""

    spec: ToolSpec
    calls: list[dict[str, Json]] = field(default_factory=list)
    repeatable: bool = True

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Nothing."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Keep the call for the caller. Always raises StepError."""
        self.calls.append({"name": self.spec.name, "arguments": dict(arguments)})
        raise StepError(HANDED_OVER, f'"{self.spec.name}" is called by whoever asked for this agent')


OwnTool = FunctionTool | DescribedTool
"""A tool that comes with the call."""


def tools_of(
    given: Sequence[Given], builtin: Sequence[str]
) -> tuple[list[str], dict[str, FunctionTool | DescribedTool]]:
    """The names of all tools, and those of them that come with the call. UsageError for what is none.

    A description of a built-in tool means the built-in one.
    """
    names: list[str] = []
    own: dict[str, OwnTool] = {}
    for one in given:
        if isinstance(one, str):
            names.append(one)
            continue
        tool = _described(one) if isinstance(one, Mapping) else _function(one)
        name = tool.spec.name
        if name in own:
            raise UsageError(f'there are two tools "{name}"')
        names.append(name)
        if isinstance(tool, FunctionTool) or name not in builtin:
            own[name] = tool
    return list(dict.fromkeys(names)), own


def _function(function: Callable[..., object]) -> FunctionTool:
    name = str(getattr(function, "__name__", ""))
    if not callable(function) or not _NAME.fullmatch(name):
        raise UsageError(f"{function!r:.80} is no tool: expected a name, a function or a description of one")
    try:
        schema = TypeAdapter[object](function).json_schema()  # type: ignore[arg-type]
    except (PydanticUserError, TypeError, NameError) as error:
        raise UsageError(f'the parameters of "{name}" cannot be described: {str(error).splitlines()[0]}') from None
    if schema.get("type") != "object":
        raise UsageError(f'the parameters of "{name}" must have names: no *args, none that is positional only')
    return FunctionTool(ToolSpec(name, inspect.getdoc(function) or "", schema), function)


def _described(said: Mapping[str, Any]) -> DescribedTool:
    """OpenAI's form, with or without ``function`` around it, and Anthropic's."""
    inner = said.get("function", said)
    name = inner.get("name") if isinstance(inner, Mapping) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError('a described tool has a name: {"type": "function", "function": {"name": …, "parameters": …}}')
    parameters = inner.get("parameters") or inner.get("input_schema") or {"type": "object", "properties": {}}
    if not isinstance(parameters, Mapping):
        raise UsageError(f'the parameters of "{name}" are no JSON Schema')
    return DescribedTool(ToolSpec(name, str(inner.get("description") or ""), dict(parameters)))
