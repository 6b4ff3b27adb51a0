"""The adapters of this package keep the contract of a ``ChatProvider``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nano_flow.contracts.provider import ChatProviderContract
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.refs import ModelRef
from nano_flow.ports import ChatProvider
from nano_flow.providers.sim import SimOptions, SimProvider
from nano_flow.providers.table import ForeignProvider
from tests.providers.clock import FakeClock
from tests.providers.replay import provider, serving
from tests.providers.test_litellm import END, HELLO, openai, sse, stream


class TestSim(ChatProviderContract):
    unknown = ModelRef("sim", "tiny")

    def make(self) -> ChatProvider:
        return SimProvider(FakeClock(), SimOptions(windows={"tiny": 1}))


class TestForeign(ChatProviderContract):
    def make(self) -> ChatProvider:
        return ForeignProvider(SimProvider(FakeClock()))


class ServedLiteLLM:
    """LiteLLM's adapter with a server of its own for each call; LiteLLM's clients are shared, so they close last."""

    def __init__(self) -> None:
        self._made = [provider("openai", "http://127.0.0.1:9")]

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        reply = openai() if on_text is None else stream(sse(*HELLO, *END))
        async with serving(reply) as server:
            made = provider("openai", server.url)
            self._made.append(made)
            return await made.complete(request, on_text)

    async def close(self) -> None:
        for made in self._made:
            await made.close()
        await asyncio.sleep(0)


class TestLiteLLM(ChatProviderContract):
    model = ModelRef("openai", "m")

    def make(self) -> ChatProvider:
        return ServedLiteLLM()
