"""Connections that runs of one process share: nobody's are closed while another one uses them, and none are left."""

from __future__ import annotations

import asyncio
from types import ModuleType, SimpleNamespace
from typing import cast

from nano_flow.core.messages import ChatReply
from nano_flow.providers.litellm import load_litellm
from nano_flow.providers.transport.connections import Connections
from tests.providers.replay import provider, serving
from tests.providers.test_litellm import openai, request


class Client:
    """As a handler of LiteLLM's is built: an httpx client inside, whose transport holds the sockets."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        transport = SimpleNamespace(aclose=lambda: self._close("transport"))
        self.client = SimpleNamespace(_transport=transport, aclose=lambda: self._close("client"))

    async def _close(self, part: str) -> None:
        self.closed.append(part)
        if part == "client":
            raise RuntimeError("closed already")


def shared(**clients: Client) -> tuple[ModuleType, dict[str, object]]:
    """LiteLLM as far as it keeps clients of the running loop, by name."""
    kept: dict[str, object] = {f"{name}-{id(asyncio.get_running_loop())}": client for name, client in clients.items()}
    cache = SimpleNamespace(cache_dict=kept, ttl_dict=dict.fromkeys(kept, 1.0))
    return cast(ModuleType, SimpleNamespace(in_memory_llm_clients_cache=cache)), kept


def test_the_last_one_closes_what_was_opened_since_the_first_and_nothing_of_others() -> None:
    async def main() -> None:
        theirs, ours, elsewhere, prepared = Client(), Client(), Client(), Client()
        theirs.client._transport.client = SimpleNamespace(closed=False, _loop=asyncio.get_running_loop())
        litellm, kept = shared(theirs=theirs, prepared=prepared)
        one, two = Connections(litellm), Connections(litellm)
        one.use()
        kept[f"ours-{id(asyncio.get_running_loop())}"] = ours
        kept["elsewhere-1"] = elsewhere
        two.use()
        two.use()
        await one.release()
        assert ours.closed == []
        await one.release()
        await two.release()
        assert ours.closed == prepared.closed == ["transport", "client"]
        assert theirs.closed == elsewhere.closed == []
        assert set(kept.values()) == {theirs, elsewhere}

    asyncio.run(main())


def test_an_adapter_that_never_called_closes_nothing() -> None:
    async def main() -> None:
        client = Client()
        await Connections(shared(a=client)[0]).release()
        assert client.closed == []

    asyncio.run(main())


def test_an_adapter_that_closes_does_not_disturb_another_one_s_call() -> None:
    async def main() -> tuple[ChatReply, list[str]]:
        async with serving(openai()) as server:
            short, long = provider("openai", server.url), provider("openai", server.url)
            await asyncio.gather(short.complete(request()), long.complete(request()))
            await short.close()
            reply = await long.complete(request())
            await long.close()
            here = f"-{id(asyncio.get_running_loop())}"
            return reply, [key for key in load_litellm().in_memory_llm_clients_cache.cache_dict if key.endswith(here)]

    reply, left = asyncio.run(asyncio.wait_for(main(), 60))
    assert reply.text and left == []
