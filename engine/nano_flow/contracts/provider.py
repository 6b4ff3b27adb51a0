"""What every adapter of a provider has to keep; subclass it and say how one is made.

class TestMine(ChatProviderContract):
    def make(self) -> ChatProvider: ...
    model = ModelRef("mine", "small")
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from nano_flow.core.errors import ProviderError
from nano_flow.core.messages import ChatReply, ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.ports import ChatProvider


class ChatProviderContract:
    """``model`` is one that the adapter made by ``make`` serves; ``unknown`` is one that it does not, if any."""

    model = ModelRef("sim", "small")
    unknown: ModelRef | None = None

    def make(self) -> ChatProvider:
        """A new adapter."""
        raise AssertionError("say how an adapter is made")

    def request(self, text: str = "Say hello.") -> ChatRequest:
        """A small request."""
        return ChatRequest(self.model, (Message("user", text),), max_output_tokens=200, timeout_s=20.0)

    def ask(self, request: ChatRequest, heard: list[str] | None = None) -> ChatReply:
        """One call of a new adapter."""

        async def call() -> ChatReply:
            provider = self.make()
            try:
                return await provider.complete(request, None if heard is None else heard.append)
            finally:
                await provider.close()

        return asyncio.run(call())

    def test_a_reply_is_whole(self) -> None:
        reply = self.ask(self.request())
        assert reply.text
        assert reply.finish_reason == "stop"
        assert reply.usage.total > 0
        assert reply.usage.output_tokens > 0

    def test_streamed_pieces_are_the_text(self) -> None:
        heard: list[str] = []
        reply = self.ask(self.request(), heard)
        assert "".join(heard) == reply.text

    def test_several_calls_at_once_do_not_mix(self) -> None:
        async def both() -> list[ChatReply]:
            provider = self.make()
            try:
                requests = [self.request("Say hello."), replace(self.request("Say hello again."), address="b")]
                return list(await asyncio.gather(*(provider.complete(request) for request in requests)))
            finally:
                await provider.close()

        assert all(reply.text for reply in asyncio.run(both()))

    def test_closing_twice_does_no_harm(self) -> None:
        async def twice() -> None:
            provider = self.make()
            await provider.close()
            await provider.close()

        asyncio.run(twice())

    def test_what_fails_is_a_provider_error(self) -> None:
        if self.unknown is None:
            pytest.skip("this adapter takes any model")
        with pytest.raises(ProviderError):
            self.ask(replace(self.request(), model=self.unknown))
