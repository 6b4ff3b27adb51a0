"""How a provider itself said that its reply ended; LiteLLM says ``stop`` also where a stream just stopped, where no
reason or an unknown one was given, and for what single providers call an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.core.messages import FinishReason, Json
from nano_flow.providers.wire.plain import read, sequence

_MARKED = "finishReason"
_HIDDEN = ("litellm.llms.vertex_ai.gemini", "litellm.llms.anthropic")
"""Modules of LiteLLM whose streams hide the provider's own word."""
_WORDS: Mapping[FinishReason, str] = {
    "tool_calls": "tool_calls tool_call function_call tool_use",
    "length": "length max_tokens compaction max_output_tokens model_length model_context_window_exceeded",
    "content_filter": (
        "content_filter content_filtered refusal safety guardrail_intervened blocklist prohibited_content spii "
        "recitation language escalation sensitive error_toxic "
        "image_safety image_prohibited_content image_recitation image_other no_image"
    ),
    "incomplete": (
        "malformed_function_call unexpected_tool_call too_many_tool_calls malformed_tool_use malformed_model_output "
        "malformed_response missing_thought_signature other pause_turn "
        "finish_reason_unspecified error error_limit timeout network_error insufficient_system_resource "
        "abort aborted cancel cancelled canceled user_cancel load unload"
    ),
}
_REASONS: Mapping[str, FinishReason] = {word: reason for reason, words in _WORDS.items() for word in words.split()}


def reason_of(word: str | None) -> FinishReason:
    """What a provider's word means; what nobody knows ends a reply like any other, and no word at all does not."""
    return _REASONS.get(word.lower(), "stop") if word else "incomplete"


_GOOD = frozenset(
    {
        *("stop", "stop_sequence", "end_turn", "eos", "eos_token"),
        *("complete", "completed", "done", "finished", "end"),
    }
)


def is_known(word: str | None) -> bool:
    """Whether anybody knows what a word means."""
    return not word or word.lower() in _GOOD or word.lower() in _REASONS


def is_bad(word: str) -> bool:
    """Whether a reply that ended so is no good end."""
    return reason_of(word) not in ("stop", "tool_calls")


def announced_in(reply: Mapping[str, Json], otherwise: str | None) -> str | None:
    """The word of a whole reply, where it has one of the forms that are known here; LiteLLM's translation else.

    LiteLLM's is also right where a call of a tool is one that it made up itself, for a schema. A reply that came in one
    piece and says nothing of its end is whole.
    """
    word = next((word_in(reply) for mark, word_in in _FORMS.items() if mark in reply), otherwise)
    said = word if isinstance(word, str) else None
    return said if said and (is_bad(said) or not is_known(said)) else otherwise or "stop"


def _first(reply: Mapping[str, Json], holder: str, name: str) -> object:
    return next((read(one, name) for one in sequence(reply.get(holder))), None)


def _blocked(reply: Mapping[str, Json]) -> str | None:
    return "content_filter" if read(reply.get("promptFeedback"), "blockReason") else None


def of_candidates(reply: Mapping[str, Json]) -> object:
    """Gemini's word: of the prompt where that is blocked, else of the first candidate."""
    return _blocked(reply) or _first(reply, "candidates", _MARKED)


_FORMS: Mapping[str, Callable[[Mapping[str, Json]], object]] = {
    "choices": lambda reply: _first(reply, "choices", "finish_reason"),
    "candidates": of_candidates,
    "promptFeedback": _blocked,
    "stop_reason": lambda reply: reply["stop_reason"],
    "stopReason": lambda reply: reply["stopReason"],
    "done": lambda reply: reply.get("done_reason") or ("stop" if reply["done"] is True else "abort"),
    "finish_reason": lambda reply: reply["finish_reason"],
}
"""By a member that only this form has: OpenAI's, Gemini's, Anthropic's, Bedrock's, Ollama's, Cohere's."""


class Ending:
    """Watches one stream.

    LiteLLM keeps the reason that it received, but for Gemini, where it takes every piece for the last one, and for
    Claude, of whose reasons it makes ``stop``: there the pieces are looked at before LiteLLM parses them.
    """

    def __init__(self, stream: object) -> None:
        self._stream = stream
        self._seen: str | None = None
        self._watching = False

    async def watch(self) -> None:
        """Open the stream, as its first piece would, and look on."""
        iterator = read(self._stream, "completion_stream")
        fetch = read(self._stream, "fetch_stream")
        if iterator is None and callable(fetch):
            await fetch()
            iterator = read(self._stream, "completion_stream")
        parse = read(iterator, "chunk_parser")
        if callable(parse) and type(iterator).__module__.startswith(_HIDDEN):
            self._watching = True
            setattr(iterator, "chunk_parser", self._looking_on(parse))  # noqa: B010 - an attribute that no type knows

    def _looking_on(self, parse: Callable[..., object]) -> Callable[..., object]:
        def look(chunk: Mapping[str, Json]) -> object:
            reason = of_candidates(chunk) or read(chunk.get("delta"), "stop_reason")
            if isinstance(reason, str):
                self._seen = reason
            return parse(chunk)

        return look

    def announced(self) -> str | None:
        """The reason; None where the provider never gave one: the reply is not whole."""
        if self._watching:
            return self._seen
        reason = read(self._stream, "received_finish_reason")
        return reason if isinstance(reason, str) else None
