"""How a provider itself said that its stream ended; LiteLLM says ``stop`` even where the stream just stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.providers.wire.reply import read, sequence

_MARKED = "finishReason"


class Ending:
    """Watches one stream.

    LiteLLM keeps the reason that it received, but for Gemini, where it takes every piece for the last one: there the
    pieces are looked at before LiteLLM parses them.
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
        if callable(parse) and type(iterator).__module__.startswith("litellm.llms.vertex_ai.gemini"):
            self._watching = True
            setattr(iterator, "chunk_parser", self._looking_on(parse))  # noqa: B010 - an attribute that no type knows

    def _looking_on(self, parse: Callable[..., object]) -> Callable[..., object]:
        def look(chunk: Mapping[str, object]) -> object:
            for candidate in sequence(read(chunk, "candidates")):
                reason = read(candidate, _MARKED)
                if isinstance(reason, str):
                    self._seen = reason
            if read(read(chunk, "promptFeedback"), "blockReason"):
                self._seen = "content_filter"
            return parse(chunk)

        return look

    def announced(self) -> str | None:
        """The reason; None where the provider never gave one: the reply is not whole."""
        if self._watching:
            return self._seen
        reason = read(self._stream, "received_finish_reason")
        return reason if isinstance(reason, str) else None
