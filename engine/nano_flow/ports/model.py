"""What serves the model calls of one provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from nano_flow.core.messages import ChatReply, ChatRequest


class ChatProvider(Protocol):
    """Serves model calls of one provider of ``providers.yaml``."""

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request.

        Streams pieces of text to ``on_text`` where it is given. Raises only subclasses of ``ProviderError``,
        with redacted messages; a reply that was cut off is raised as ``ConnectionLost(maybe_billed=True)``.
        """

    async def close(self) -> None:
        """Release connections; called once, at the end of the run."""
