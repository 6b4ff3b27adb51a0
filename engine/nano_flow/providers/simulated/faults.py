"""The ways a simulated call can fail, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nano_flow.core.errors import (
    BadCredentials,
    BadRequest,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    ModelUnknown,
    Overloaded,
    ProviderError,
    QuotaUsed,
    RateLimited,
    ServerFailed,
    TimedOut,
)
from nano_flow.core.messages import ChatReply, Json, Usage
from nano_flow.core.text import seconds_of


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure; ``retry_after`` in seconds where the provider says so, ``message`` replaces the usual one."""

    name: str
    retry_after: float | None = None
    message: str = ""


_ERRORS: dict[str, Callable[[Fault], ProviderError]] = {
    "rate_limit": lambda f: RateLimited(f.message or "slow down", status=429, retry_after=f.retry_after),
    "overloaded": lambda f: Overloaded(f.message or "no capacity", status=529, retry_after=f.retry_after),
    "server_error": lambda f: ServerFailed(f.message or "internal error", status=500),
    "timeout": lambda f: TimedOut(f.message or "no answer in time"),
    "connection": lambda f: ConnectionLost(f.message or "connection refused"),
    "credentials": lambda f: BadCredentials(f.message or "the key is not valid", status=401),
    "quota": lambda f: QuotaUsed(f.message or "the credit of the account is used up", status=402),
    "context_window": lambda f: ContextTooLong(f.message or "the prompt does not fit the window", status=400),
    "model_not_found": lambda f: ModelUnknown(f.message or "no such model", status=404),
    "bad_request": lambda f: BadRequest(f.message or "the request is not valid", status=400),
    "content_filter": lambda f: ContentRefused(f.message or "the content filter refused", status=400),
}
_BILLED_ERRORS = frozenset({"cut_stream"})
_REPLIES = frozenset({"empty", "length", "bad_json"})
FAULTS = frozenset(_ERRORS) | _BILLED_ERRORS | _REPLIES
"""Every name that ``faults:`` and ``{error: …}`` take."""


def fault_of(value: Json) -> Fault:
    """A fault as documents write it: its name, or ``{error, retry_after, message}``."""
    if not isinstance(value, dict):
        return Fault(str(value))
    after = value.get("retry_after")
    return Fault(str(value.get("error")), None if after is None else seconds(after), str(value.get("message") or ""))


def seconds(value: Json) -> float:
    """A number of seconds, or a duration such as ``250ms`` or ``1m30s``."""
    return float(value) if isinstance(value, int | float) else seconds_of(str(value))


def error_of(fault: Fault, usage: Usage) -> ProviderError | None:
    """The error that a fault is; None where it is a reply of a bad kind instead."""
    if fault.name == "cut_stream":
        cut = ConnectionLost(fault.message or "the stream ended early", maybe_billed=True)
        cut.usage = usage
        return cut
    make = _ERRORS.get(fault.name)
    if make is None and fault.name not in _REPLIES:
        return BadRequest(f'"{fault.name}" is no fault; known: {", ".join(sorted(FAULTS))}')
    return make(fault) if make else None


def spoil(fault: Fault, reply: ChatReply) -> ChatReply:
    """A whole reply made empty, cut at the length limit, or broken as JSON."""
    if fault.name == "empty":
        return replace(reply, text="", tool_calls=(), finish_reason="stop")
    half = reply.text[: max(len(reply.text) // 2, 1)]
    if fault.name == "length":
        return replace(reply, text=half, tool_calls=(), finish_reason="length")
    return replace(reply, text="{" + half.lstrip("{"))


def pick(names: Sequence[Fault], share: float) -> Fault:
    """The fault at ``share`` (0 to 1) of the list; a server error where the list is empty."""
    return names[min(int(share * len(names)), len(names) - 1)] if names else Fault("server_error")
