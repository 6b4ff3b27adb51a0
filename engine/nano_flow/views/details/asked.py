"""What was asked and answered in one execution: messages, replies, tools, commands; as a document and as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from nano_flow.core.events import CacheHit, CallFailed, CallFinished, Event, PromptSent, ToolCalled, ToolIntended
from nano_flow.core.messages import Json
from nano_flow.core.shown.printable import printable, printable_lines
from nano_flow.core.text import as_text

Fields = Mapping[str, Json]
DROPPED = "(the text was dropped, or never kept)"


def exchanges(events: Iterable[Event], texts: Mapping[str, str]) -> list[Fields]:
    """What happened, in its order; ``texts`` are those of ``PromptSent`` by digest."""
    found: list[Fields] = []
    arguments: dict[tuple[str, int, str], Json] = {}
    for event in events:
        if isinstance(event, ToolIntended):
            arguments[(event.address, event.turn, event.call)] = event.arguments
        elif isinstance(event, ToolCalled):
            found.append(_tool(event, arguments.get((event.address, event.turn, event.call))))
        elif (told := _said(event, texts)) is not None:
            found.append(told)
    return found


def exchanges_text(found: Iterable[Fields]) -> Iterator[str]:
    """The same for people, a line each."""
    for entry in found:
        kind = entry["what"]
        if kind == "asked":
            yield f"asked (turn {entry['turn']}):"
            messages = entry["messages"]
            for message in messages if isinstance(messages, list) else []:
                yield from _message(message)
        elif kind == "answered":
            yield f"answered by {printable(str(entry['model']))} (turn {entry['turn']}):"
            yield from _block(entry["text"])
            yield from _calls(entry["tool_calls"])
        elif kind == "failed":
            yield f"failed (turn {entry['turn']}): {printable(str(entry['error']))}"
        else:
            yield from _tool_lines(entry)


def stream_lines(stream: str, text: str) -> Iterator[str]:
    """What a command printed to one stream, a line each."""
    yield from (f"  {stream}  {line}" for line in printable_lines(text.rstrip("\n")))


def command_lines(result: Json, last: int | None = None) -> Iterator[str]:
    """What a command printed, and its exit code; at most the ``last`` lines of each stream."""
    if not isinstance(result, dict):
        yield from _block(result)
        return
    for stream in ("stdout", "stderr"):
        lines = printable_lines(str(result.get(stream) or "").rstrip("\n")) if result.get(stream) else []
        cut = 0 if last is None else max(0, len(lines) - last)
        if cut:
            yield f"  {stream}  … {cut} lines before"
        yield from (f"  {stream}  {line}" for line in lines[cut:])
    yield f"  exit code {result.get('exit_code')}"


def _said(event: Event, texts: Mapping[str, str]) -> Fields | None:
    if isinstance(event, PromptSent):
        messages: list[Json] = [_parsed(texts.get(digest)) for digest in event.messages]
        return {"what": "asked", "address": event.address, "turn": event.turn, "messages": messages}
    if isinstance(event, CallFinished | CacheHit):
        calls: list[Json] = [{"id": c.id, "tool": c.name, "arguments": c.arguments} for c in event.reply.tool_calls]
        return {
            **{"what": "answered", "address": event.address, "turn": event.turn, "model": event.model},
            **{"text": event.reply.text, "tool_calls": calls, "cached": isinstance(event, CacheHit)},
        }
    if isinstance(event, CallFailed):
        message = f"{event.model}: {event.error}: {event.message}"
        return {"what": "failed", "address": event.address, "turn": event.turn, "error": message}
    return None


def _tool(event: ToolCalled, arguments: Json) -> Fields:
    return {
        **{"what": "called", "address": event.address, "turn": event.turn, "tool": event.tool},
        **{"arguments": arguments, "result": event.result, "error": event.error or None},
    }


def _parsed(text: str | None) -> Json:
    if text is None:
        return {"role": "?", "content": DROPPED}
    try:
        value: Json = json.loads(text)
    except ValueError:
        return {"role": "?", "content": text}
    return value


def _message(message: Json) -> Iterator[str]:
    told = message if isinstance(message, dict) else {"role": "?", "content": message}
    yield f"  {printable(str(told.get('role')))}:"
    yield from (f"  {line}" for line in _block(told.get("content")))
    yield from (f"  {line}" for line in _calls(told.get("tool_calls")))


def _calls(calls: Json) -> Iterator[str]:
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            yield f"  calls {printable(str(call.get('tool')))} {printable(str(call.get('arguments')))}"


def _tool_lines(entry: Fields) -> Iterator[str]:
    if entry["tool"] == "run":
        asked = entry["arguments"] if isinstance(entry["arguments"], dict) else {}
        yield f"ran: {printable(as_text(asked.get('argv')))}"
    else:
        yield f"called {printable(str(entry['tool']))} {printable(as_text(entry['arguments']))}:"
    if entry["error"]:
        yield f"  error: {printable(str(entry['error']))}"
    elif entry["tool"] == "run":
        yield from command_lines(entry["result"])
    else:
        yield from _block(entry["result"])


def _block(value: Json) -> Iterator[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    yield from (f"  {line}" for line in printable_lines(text) or [""])
