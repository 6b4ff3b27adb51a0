"""The direct way: where calls go, how a reply is read whatever it is called, what is left of connections."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_providers
from nano_flow.plan.catalogue import ModelCard
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.providers.direct.adapter import DirectProvider
from nano_flow.providers.direct.openai import OpenAI
from nano_flow.providers.direct.session import Sessions
from nano_flow.providers.table import ProviderTable, Surroundings
from nano_flow.providers.transport.events import Events
from tests.providers.endpoints import endpoint
from tests.providers.odd import GOOD, STREAM
from tests.providers.replay import Reply, Server, serving

REQUEST = ChatRequest(ModelRef("mine", "m"), (Message("user", "hello"),), max_output_tokens=500, timeout_s=20.0)


async def asked(server: Server, request: ChatRequest = REQUEST, heard: list[str] | None = None) -> ChatReply:
    text = (
        f'nano_flow: 1\nproviders:\n  mine: {{api: openai, credentials: [K], base_url: "{server.url}/v1", open: true}}'
    )
    source = load_providers(text, "providers.yaml")
    cards = build_catalogue(source.document, source.source.value_range).providers
    table = ProviderTable(cards, Surroundings(SystemClock(), {"K": "sk-mine-12345678"}))
    try:
        return await (await table.ready("mine")).complete(request, None if heard is None else heard.append)
    finally:
        await table.close()


def test_a_call_of_a_declared_provider() -> None:
    async def run() -> None:
        async with serving(Reply(GOOD)) as server:
            assert (await asked(server)).text == "hi"
            assert "post /v1/chat/completions" in server.heads[0]
            assert "authorization: bearer sk-mine-12345678" in server.heads[0]
            assert json.loads(server.bodies[0]) == {
                "model": "m",
                "messages": [{"role": "user", "content": "hello"}],
                "max_tokens": 500,
            }

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain", ""])
def test_a_stream_that_nobody_asked_for_is_read(kind: str) -> None:
    async def run() -> None:
        async with serving(Reply(STREAM, content_type=kind)) as server:
            reply = await asked(server)
            assert (reply.text, reply.finish_reason, reply.usage.output_tokens) == ("Hello", "stop", 3)

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
def test_a_reply_in_one_piece_to_a_stream_is_read_and_shown(kind: str) -> None:
    async def run() -> None:
        heard: list[str] = []
        async with serving(Reply(GOOD, content_type=kind)) as server:
            assert (await asked(server, heard=heard)).text == "".join(heard) == "hi"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("settings", "keys", "card", "url", "header"),
    [
        ({}, {"K": "k"}, None, "https://api.openai.com/v1/chat/completions", "Bearer k"),
        ({"base_url": "http://h/v1/"}, {}, None, "http://h/v1/chat/completions", None),
        ({"base_url": "http://h/v1?team=a"}, {}, None, "http://h/v1/chat/completions?team=a", None),
        ({"base_url": "http://h/v1/chat/completions"}, {}, None, "http://h/v1/chat/completions", None),
    ],
)
def test_addresses_of_openai(
    settings: dict[str, str], keys: dict[str, str], card: ModelCard | None, url: str, header: str | None
) -> None:
    model = card or ModelCard(ModelRef("p", "m"))
    target = OpenAI("openai").target(endpoint("p", "openai", settings, keys, {}), model, stream=False)
    assert (target.url, target.headers.get("authorization")) == (url, header)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h", "http://h/openai/deployments/ours%2Fa/chat/completions?api-version=v1"),
        ("http://h/openai/", "http://h/openai/deployments/ours%2Fa/chat/completions?api-version=v1"),
        ("http://h/openai/v1/", "http://h/openai/v1/chat/completions"),
        ("http://h/openai/deployments/x", "http://h/openai/deployments/x/chat/completions?api-version=v1"),
    ],
)
def test_addresses_of_azure(base: str, url: str) -> None:
    place = endpoint("p", "azure", {"base_url": base, "api_version": "v1"}, {"K": "k"}, {})
    target = OpenAI("azure").target(place, ModelCard(ModelRef("p", "m"), deployment="ours/a"), stream=False)
    assert (target.url, dict(target.headers)) == (url, {"api-key": "k"})
    token = replace(place, parts={"token": "t"})
    assert OpenAI("azure").target(token, ModelCard(ModelRef("p", "m")), stream=False).headers == {
        "authorization": "Bearer t"
    }


@pytest.mark.parametrize("base", ["h/v1", "ftp://h", "http://[h", ""])
def test_what_is_no_address_is_said(base: str) -> None:
    provider = DirectProvider(endpoint("p", "azure", {"base_url": base}, {}, {}), SystemClock(), Sessions())
    with pytest.raises(errors.BadRequest, match="is no address"):
        asyncio.run(provider.complete(REQUEST))


def test_events_in_any_pieces() -> None:
    text = b': hello\r\n\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata:{"b": 2}\ndata: {"c": 3}\n\nevent: x\n'
    text += b"data: [DONE]\n\ndata: {}\n"
    for size in range(1, 40):
        events = Events()
        seen = [event for start in range(0, len(text), size) for event in events.feed(text[start : start + size])]
        assert [*seen, *events.end()] == [{"a": 1}, {"b": 2}, {"c": 3}]
        assert events.done


def test_connections_are_shared_and_closed() -> None:
    async def run() -> None:
        sessions = Sessions()
        async with serving(Reply(GOOD)) as server:
            place = endpoint("mine", "openai", {"base_url": server.url}, {}, {})
            for _ in range(3):
                await DirectProvider(place, SystemClock(), sessions).complete(REQUEST)
            session = sessions.get()
            assert session.connector is not None and len(session.connector._conns) == 1
            await sessions.close()
            await sessions.close()
            assert session.closed
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_proxy_of_the_environment_is_used_and_its_exceptions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with serving(Reply(GOOD)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            place = endpoint("mine", "openai", {"base_url": "http://models.invalid/v1"}, {}, {})
            sessions = Sessions()
            assert (await DirectProvider(place, SystemClock(), sessions).complete(REQUEST)).text == "hi"
            assert proxy.heads[0].startswith("post http://models.invalid/v1/chat/completions ")
            assert sessions.proxy_for("http", "127.0.0.1") is None
            await sessions.close()

    asyncio.run(run())


def test_nothing_heavy_is_loaded_for_a_direct_call() -> None:
    script = """
import asyncio, sys
from tests.providers.replay_alone import answered
assert asyncio.run(answered()) == "hi"
heavy = {"litellm", "httpx", "openai", "anthropic", "boto3", "google.auth", "mcp", "tiktoken", "requests", "pandas"}
print(sorted(heavy & set(sys.modules)))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert (ended.stdout.strip(), ended.returncode) == ("[]", 0), ended.stderr
