"""A provider: ``adapter: echo`` in providers.yaml answers with what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import ChatReply, ChatRequest, Json, Usage
from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint


class EchoProvider:
    """Repeats the last message."""

    def __init__(self, endpoint: Endpoint, options: Mapping[str, Json], clock: Clock) -> None:
        self._models = endpoint.models

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request."""
        if request.model.model not in self._models:
            raise BadRequest(f'there is no model "{request.model.model}" here')
        text = request.messages[-1].content
        if on_text is not None:
            on_text(text)
        words = len(text.split())
        return ChatReply(text, "stop", Usage(input_tokens=words, output_tokens=words), model=request.model.model)

    async def close(self) -> None:
        """Nothing is held."""
