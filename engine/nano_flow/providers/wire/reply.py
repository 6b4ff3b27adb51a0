"""What LiteLLM gives back, as our reply: text, tool calls with their ids verbatim, usage with each token once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nano_flow.core.errors import ConnectionLost, ServerFailed
from nano_flow.core.messages import ChatReply, ChatRequest, FinishReason, Json, ToolCall, Usage
from nano_flow.providers.prompt_tools import read_calls
from nano_flow.providers.simulated.tokens import count, count_request
from nano_flow.providers.wire.arguments import Prepared

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "guardrail_intervened": "content_filter",
    "malformed_function_call": "incomplete",
}
_SILENT_AT_THE_LIMIT = frozenset({"ollama_chat", "cohere", "huggingface"})
"""LiteLLM ids for which a reply at its cap ends in ``stop`` like any other."""
_KEPT = ("thinking_blocks",)
"""What some providers want back verbatim with the next turn."""


def read(holder: object, name: str) -> object:
    """A member of a mapping or an object of LiteLLM; None where there is none."""
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def number(holder: object, name: str) -> int:
    """A count of tokens; 0 where there is none."""
    value = read(holder, name)
    return value if isinstance(value, int) and value > 0 else 0


def sequence(value: object) -> Sequence[object]:
    """A list, or an empty one."""
    return value if isinstance(value, list | tuple) else ()


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
    """The parts of a reply that came in one piece. ServerFailed where there is nothing in it."""
    choices = sequence(read(response, "choices"))
    if not choices:
        raise unreadable("the reply holds no choice")
    message = read(choices[0], "message")
    text = read(message, "content")
    finish = read(choices[0], "finish_reason")
    refusal = refusal_of(message)
    if refusal and not text:
        text, finish = refusal, "refusal"
    kept = {name: value for name in _KEPT if (value := _plain(read(message, name)))}
    return Raw(
        text=text if isinstance(text, str) else "",
        calls=tuple(_calls(sequence(read(message, "tool_calls")))),
        finish=finish if isinstance(finish, str) else None,
        usage=read(response, "usage"),
        model=str(read(response, "model") or ""),
        kept=kept,
    )


def refusal_of(holder: object) -> str:
    """What OpenAI's models say in place of a reply that they refuse to give."""
    refusal = read(holder, "refusal") or read(read(holder, "provider_specific_fields"), "refusal")
    return refusal if isinstance(refusal, str) else ""


def unreadable(message: str) -> ServerFailed:
    """A reply came that cannot be read; it may have been billed."""
    error = ServerFailed(message)
    error.maybe_billed = True
    return error


def _calls(calls: Iterable[object]) -> Iterable[ToolCall]:
    for place, call in enumerate(calls):
        function = read(call, "function")
        name = read(function, "name")
        arguments = read(function, "arguments")
        if isinstance(name, str) and name:
            yield ToolCall(
                str(read(call, "id") or f"call_{place}"), name, arguments if isinstance(arguments, str) else "{}"
            )


def finished(raw: Raw, request: ChatRequest, prepared: Prepared, provider: str) -> ChatReply:
    """The reply. ConnectionLost where it was cut off: its end was never announced."""
    litellm = str(prepared.arguments["model"]).partition("/")[0]
    usage = read_usage(raw.usage) or estimated(request, raw)
    calls = tuple(replace(call, name=prepared.names.to_ours(call.name)) for call in raw.calls)
    reason = _reason(raw, usage, request, litellm)
    if reason == "stop" and usage.measured and prepared.window is not None and usage.total >= prepared.window:
        reason = "length"  # the window was full, which LiteLLM reports as an ordinary end
    if reason == "incomplete":
        cut = ConnectionLost(f"the reply of {request.model} was cut off", maybe_billed=True)
        cut.usage = usage if usage.measured else None
        raise cut
    reply = ChatReply(
        text=raw.text,
        finish_reason=reason,
        usage=usage,
        tool_calls=calls,
        model=raw.model,
        provider_data={"provider": provider, **raw.kept} if raw.kept and calls else None,
    )
    return read_calls(reply, request.turn) if prepared.tools_by_prompt else reply


def _reason(raw: Raw, usage: Usage, request: ChatRequest, litellm: str) -> FinishReason:
    reason = _FINISH.get((raw.finish or "").lower(), "stop" if raw.finish else "incomplete")
    if reason == "stop" and raw.calls:
        return "tool_calls"
    written = usage.output_tokens + usage.reasoning_tokens
    at_the_cap = usage.measured and written >= request.max_output_tokens
    if reason == "stop" and at_the_cap and litellm in _SILENT_AT_THE_LIMIT:
        return "length"
    return "stop" if reason == "tool_calls" and not raw.calls else reason


def read_usage(usage: object) -> Usage | None:
    """Tokens by kind, each counted once; None where nothing was reported.

    ``prompt_tokens`` holds cached and written ones, ``completion_tokens`` those of reasoning, at every provider.
    """
    prompt, completion = number(usage, "prompt_tokens"), number(usage, "completion_tokens")
    if not prompt and not completion:
        return None
    read_details, write_details = read(usage, "prompt_tokens_details"), read(usage, "completion_tokens_details")
    cached = _first(read_details, "cached_tokens") or _first(usage, "cache_read_input_tokens", "cached_tokens")
    written = _first(read_details, "cache_creation_tokens", "cache_write_tokens")
    written = written or _first(usage, "cache_creation_input_tokens")
    for_an_hour = number(read(read_details, "cache_creation_token_details"), "ephemeral_1h_input_tokens")
    heard = number(read_details, "audio_tokens")
    reasoned, spoken = number(write_details, "reasoning_tokens"), number(write_details, "audio_tokens")
    return Usage(
        input_tokens=max(prompt - cached - written - heard, 0),
        cached_input_tokens=min(cached, prompt),
        cache_write_tokens=max(written - for_an_hour, 0),
        output_tokens=max(completion - reasoned - spoken, 0),
        reasoning_tokens=min(reasoned, completion),
        cache_write_1h_tokens=for_an_hour,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
    )


def _first(holder: object, *names: str) -> int:
    return next((found for name in names if (found := number(holder, name))), 0)


def estimated(request: ChatRequest, raw: Raw) -> Usage:
    """What a call took about, where its provider does not say."""
    written = count(raw.text) + sum(count(call.name) + count(call.arguments) for call in raw.calls)
    return Usage(input_tokens=count_request(request), output_tokens=written, measured=False)


def _plain(value: object) -> Json:
    """Plain data out of LiteLLM's objects."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    dump = getattr(value, "model_dump", None)
    return _plain(dump()) if callable(dump) else str(value)
