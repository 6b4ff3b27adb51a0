"""Tools and schemas for models that have neither: asked for in the prompt, read from the reply's text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nano_flow.core.messages import ChatReply, Json, ToolCall, ToolSpec

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)


def tools_note(tools: Sequence[ToolSpec], choice: Json = None) -> str:
    """What tells a model which tools there are and how to ask for one."""
    described = "\n".join(
        json.dumps({"name": t.name, "description": t.description, "parameters": dict(t.parameters)}) for t in tools
    )
    must = ""
    if choice == "required":
        must = " You must call at least one tool."
    elif isinstance(choice, str) and choice not in ("auto", "none"):
        must = f' You must call "{choice}".'
    return (
        "You can use tools. To call one, write nothing but one or more blocks of this form, each with JSON in it:\n"
        '<tool_call>{"name": "…", "arguments": {…}}</tool_call>\n'
        f"The results come in the next message. Once you need no tool any more, answer in plain text.{must}\n"
        f"The tools, with a JSON Schema of their arguments:\n{described}"
    )


def schema_note(schema: Mapping[str, Json]) -> str:
    """What tells a model which form its reply must have."""
    return (
        f"Reply with JSON only, without any text around it, valid under this JSON Schema:\n{json.dumps(dict(schema))}"
    )


def read_calls(reply: ChatReply, turn: int) -> ChatReply:
    """The reply with the tool calls that its text asks for; what cannot be read stays text."""
    if "<tool_call>" not in reply.text:
        return reply
    calls = tuple(_calls(reply.text, turn))
    if not calls:
        return reply
    text = _CALL.sub("", reply.text).strip()
    return replace(reply, text=text, tool_calls=calls, finish_reason="tool_calls")


def _calls(text: str, turn: int) -> Iterator[ToolCall]:
    for number, match in enumerate(_CALL.finditer(text)):
        try:
            asked = json.loads(match[1])
        except ValueError:
            continue
        if isinstance(asked, dict) and isinstance(asked.get("name"), str):
            arguments = asked.get("arguments", {})
            written = arguments if isinstance(arguments, str) else json.dumps(arguments)
            yield ToolCall(f"call_{turn}_{number}", asked["name"], written)
