"""The way to a server that the environment names: obeyed by every path alike, or refused in words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.providers.direct.session import Sessions
from nano_flow.providers.litellm import LiteLLMProvider
from nano_flow.providers.probe import Found, probe
from nano_flow.providers.transport.proxies import proxy_of, trust
from tests.providers.endpoints import endpoint
from tests.providers.odd import GOOD
from tests.providers.replay import Alone, Reply, Server, serving

FAR = "http://models.example.com/v1"
KEY = {"OPENAI_API_KEY": "CANARY-key"}
ASKED = ChatRequest(ModelRef("openai", "m"), (Message("user", "hello"),), timeout_s=20.0)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
    for name in names.split():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def called(way: str) -> ChatReply:
    made = endpoint("openai", "openai", {"base_url": FAR}, KEY, {})
    direct = Alone(replace(made, api="openai"), SystemClock(), Sessions())
    adapter = direct if way == "direct" else LiteLLMProvider(made, SystemClock())
    try:
        return await adapter.complete(ASKED)
    finally:
        await adapter.close()


@pytest.mark.parametrize("way", ["direct", "litellm"])
def test_calls_go_through_the_proxy_of_the_environment(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def through() -> tuple[ChatReply, Server]:
        async with serving(Reply(GOOD)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            return await called(way), proxy

    reply, proxy = asyncio.run(through())
    assert reply.text == "hi"
    assert proxy.heads[0].startswith("post http://models.example.com/v1/chat/completions ")


def test_a_check_goes_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def through() -> tuple[Found, Server]:
        async with serving(Reply(b"{}")) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            return await probe(endpoint("openai", "openai", {"base_url": FAR}, KEY, {}), SystemClock()), proxy

    found, proxy = asyncio.run(through())
    assert (found.reachable, found.error) == (True, "")
    assert proxy.heads[0].startswith("get http://models.example.com/v1/models ")


def test_no_proxy_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example.com")
    assert proxy_of("https", "inside.example.com") is None
    assert proxy_of("https", "outside.example.com") == "http://proxy:3128"
    assert proxy_of("http", "outside.example.com") is None


def test_a_proxy_that_is_not_spoken_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://me:CANARY@proxy:1080")
    with pytest.raises(errors.BadRequest, match=r"not spoken here \(socks5://proxy\)") as caught:
        asyncio.run(called("direct"))
    assert "CANARY" not in str(caught.value)
    found = asyncio.run(probe(endpoint("openai", "openai", {"base_url": FAR}, KEY, {}), SystemClock()))
    assert "not spoken here" in found.error and "CANARY" not in found.error


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_authorities_that_cannot_be_read_are_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trust() is None
    monkeypatch.setenv(name, str(tmp_path / "gone.pem"))
    with pytest.raises(OSError, match=f"the authorities that {name} names cannot be read"):
        trust()
    with pytest.raises(errors.BadRequest, match=name):
        asyncio.run(called("direct"))
