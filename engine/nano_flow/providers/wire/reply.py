"""What LiteLLM gives back, as our reply: text, tool calls with their ids verbatim, usage with each token once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from nano_flow.core.errors import ConnectionLost
from nano_flow.core.messages import ChatReply, ChatRequest, FinishReason, Json, ToolCall, Usage
from nano_flow.providers.prompt_tools import read_calls
from nano_flow.providers.simulated.tokens import count, count_request
from nano_flow.providers.transport.exchange import unreadable
from nano_flow.providers.wire.arguments import Prepared
from nano_flow.providers.wire.ending import is_known, reason_of
from nano_flow.providers.wire.names import ToolNames
from nano_flow.providers.wire.plain import as_plain, mended, read, sequence, without_thinking
from nano_flow.providers.wire.usage import read_usage

_SILENT_AT_THE_LIMIT = frozenset({"ollama_chat", "cohere", "huggingface"})
"""LiteLLM ids for which a reply at its cap ends in ``stop`` like any other."""
_KEPT = ("thinking_blocks", "reasoning_content", "reasoning_details")
"""What some providers want back verbatim with the next turn."""
_BEYOND = 10
"""How many times its window a model cannot have read and written, however old our list of windows is."""
MAX_MODEL = 200
"""Characters of a model's name."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The parts of a reply, as they came in one piece or were put together from a stream."""

    text: str
    calls: tuple[ToolCall, ...]
    finish: str | None
    usage: object
    model: str
    kept: Mapping[str, Json]


def whole(response: object) -> Raw:
    """The parts of a reply that came in one piece, LiteLLM's or of OpenAI's form. ServerFailed where it holds none."""
    choices = [choice for choice in sequence(read(response, "choices")) if read(choice, "message") is not None]
    if not choices:
        raise unreadable("the reply holds no choice")
    choice = next((choice for choice in choices if not read(choice, "index")), choices[0])
    message, finish = read(choice, "message"), read(choice, "finish_reason")
    text, refusal = text_of(read(message, "content")), refusal_of(message)
    if refusal and not text:
        text, finish = refusal, "refusal"
    kept = {name: value for name in _KEPT if (value := as_plain(read(message, name)))}
    return Raw(
        text=text,
        calls=tuple(_calls(sequence(read(message, "tool_calls")) or _older(message))),
        finish=finish if isinstance(finish, str) else None,
        usage=read(response, "usage"),
        model=str(read(response, "model") or ""),
        kept=kept,
    )


def text_of(content: object) -> str:
    """Text as it is, or the texts among the parts of which some servers make it."""
    if isinstance(content, str):
        return content
    parts = [read(part, "text") for part in sequence(content) if read(part, "type") in ("text", "output_text")]
    return "".join(part for part in parts if isinstance(part, str))


def refusal_of(holder: object) -> str:
    """What OpenAI's models say in place of a reply that they refuse to give."""
    refusal = read(holder, "refusal") or read(read(holder, "provider_specific_fields"), "refusal")
    return refusal if isinstance(refusal, str) else ""


def _older(message: object) -> list[object]:
    """The one call that a message holds in the form before tools."""
    function = read(message, "function_call")
    return [{"function": function}] if function else []


def _calls(calls: Iterable[object]) -> Iterable[ToolCall]:
    for call in calls:
        function = read(call, "function")
        name, arguments = read(function, "name"), as_plain(read(function, "arguments"))
        if isinstance(name, str) and name:
            written = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
            yield ToolCall(str(read(call, "id") or ""), name, written)


def finished(raw: Raw, request: ChatRequest, prepared: Prepared, provider: str) -> ChatReply:
    """The reply. ConnectionLost where it was cut off: its end was never announced."""
    raw = replace(
        raw, text=without_thinking(mended(raw.text)), calls=tuple(_identified(raw.calls, request.turn, prepared.names))
    )
    usage = _plausible(read_usage(raw.usage), prepared) or estimated(request, raw)
    reason = _reason(raw, usage, request, prepared)
    if reason == "incomplete":
        cut = ConnectionLost(f"the reply of {request.model} was cut off{_why(raw.finish)}", maybe_billed=True)
        cut.usage = usage if usage.measured else None
        raise cut
    reply = ChatReply(
        text=raw.text,
        finish_reason=reason,
        usage=usage,
        tool_calls=raw.calls,
        model=mended(raw.model[:MAX_MODEL]),
        provider_data={"provider": provider, **raw.kept} if raw.kept and raw.calls else None,
    )
    return read_calls(reply, request.turn) if prepared.tools_by_prompt else reply


def _plausible(usage: Usage | None, prepared: Prepared) -> Usage | None:
    beyond = usage is not None and prepared.window is not None and usage.total > _BEYOND * prepared.window
    return None if beyond else usage


def _why(finish: str | None) -> str:
    if reason_of(finish) == "tool_calls":
        return ": it announces calls of tools and holds none"
    return f": its provider says {finish[:80]!r}" if finish else ""


def _identified(calls: Iterable[ToolCall], turn: int, names: ToolNames) -> Iterable[ToolCall]:
    """Calls under our names, each with an id of its own: results are told apart by it."""
    seen: set[str] = set()
    for place, call in enumerate(calls):
        call_id = mended(call.id) or f"call_{turn}_{place}"
        call_id = f"{call_id}_{place}" if call_id in seen else call_id
        seen.add(call_id)
        yield ToolCall(call_id, mended(names.to_ours(call.name)), mended(call.arguments) or "{}")


def _reason(raw: Raw, usage: Usage, request: ChatRequest, prepared: Prepared) -> FinishReason:
    reason = reason_of(raw.finish)
    if reason == "tool_calls" and not raw.calls:
        lost = request.tools and not prepared.tools_by_prompt and request.output_schema is None
        return "incomplete" if lost else "stop"
    if reason == "stop" and not is_known(raw.finish) and not raw.text.strip() and not raw.calls:
        return "content_filter"  # a new word for not answering
    if reason != "stop":
        return reason
    written = usage.output_tokens + usage.reasoning_tokens
    at_the_cap = usage.measured and written >= request.max_output_tokens
    window_full = usage.measured and prepared.window is not None and usage.total >= prepared.window
    if window_full or (at_the_cap and prepared.service in _SILENT_AT_THE_LIMIT and not raw.calls):
        return "length"  # LiteLLM reports both as an ordinary end
    return "tool_calls" if raw.calls else "stop"


def estimated(request: ChatRequest, raw: Raw) -> Usage:
    """What a call took about, where its provider does not say."""
    written = count(raw.text) + sum(count(call.name) + count(call.arguments) for call in raw.calls)
    return Usage(input_tokens=count_request(request), output_tokens=written, measured=False)
