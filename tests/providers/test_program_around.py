"""A program that uses LiteLLM itself beside the engine: its settings are its own, and change no promise of ours."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.providers.litellm import load_litellm
from tests.providers.odd import GOOD
from tests.providers.replay import Reply, provider, serving

NAMES = ("openai", "anthropic", "azure", "gemini", "bedrock", "ollama_chat", "cohere", "huggingface", "groq")


def asked(name: str) -> ChatRequest:
    return ChatRequest(ModelRef(name, "m"), (Message("user", "hello"),), timeout_s=20.0)


def failure(name: str, reply: Reply) -> tuple[errors.ProviderError, int]:
    """How a call ends, and how many requests its server had."""

    async def main() -> tuple[errors.ProviderError, int]:
        async with serving(reply) as server:
            made = provider(name, server.url)
            with pytest.raises(errors.ProviderError) as caught:
                await made.complete(asked(name))
            await made.close()
            return caught.value, len(server.bodies)

    return asyncio.run(main())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("variable", ["DISABLE_AIOHTTP_TRANSPORT", "LITELLM_HTTP2", None])
def test_no_request_goes_past_the_guard(variable: str | None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if variable == "LITELLM_HTTP2":
        pytest.importorskip("h2")
    if variable:
        monkeypatch.setenv(variable, "True")
    error, requests = failure(name, Reply(b"", 307, headers={"location": "http://127.0.0.1:9/elsewhere"}))
    assert (type(error), requests) == (errors.ModelUnknown, 1)
    assert "elsewhere, which is not followed" in str(error)


@pytest.mark.parametrize("name", ["openai", "azure"])
def test_a_client_that_the_program_lends_to_litellm_is_watched_and_stays_open(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> tuple[str, bool]:
        async with serving(Reply(b"", 307, headers={"location": "/elsewhere"})) as server:
            lent = httpx.AsyncClient(follow_redirects=True)
            monkeypatch.setattr(load_litellm(), "aclient_session", lent)
            made = provider(name, server.url)
            with pytest.raises(errors.ModelUnknown) as caught:
                await made.complete(asked(name))
            await made.close()
            still = not lent.is_closed
            await lent.aclose()
            return str(caught.value), still

    said, open_still = asyncio.run(main())
    assert "elsewhere, which is not followed" in said and open_still


@pytest.mark.parametrize("name", NAMES)
def test_retries_that_the_program_set_are_not_made_for_us(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_litellm(), "num_retries", 2)
    error, requests = failure(name, Reply(b'{"error": {"message": "it broke"}}', 500))
    assert (type(error), requests) == (errors.ServerFailed, 1)


def test_switches_of_the_program_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    litellm = load_litellm()
    theirs = {"callbacks": [print], "success_callback": [print], "drop_params": True, "modify_params": True}
    for switch, value in theirs.items():
        monkeypatch.setattr(litellm, switch, value)
    load_litellm()
    assert {switch: getattr(litellm, switch) for switch in theirs} == theirs


def test_calls_of_the_program_are_its_own() -> None:
    """Its redirects are followed: nobody watches over them."""

    async def main() -> tuple[str, int]:
        litellm = load_litellm()
        async with serving(Reply(GOOD)) as there:
            moved = Reply(b"", 307, headers={"location": f"{there.url}/v1/chat/completions"})
            async with serving(moved) as here:
                said = [{"role": "user", "content": "hello"}]
                where = {"api_base": f"{here.url}/v1", "api_key": "theirs"}
                reply = await litellm.acompletion(model="openai/m", messages=said, **where)
                ours = provider("openai", there.url)
                await ours.complete(asked("openai"))
                await ours.close()
                return reply.choices[0].message.content, len(there.bodies)

    assert asyncio.run(main()) == ("hi", 2)


def test_a_litellm_without_its_transport_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    load_litellm()
    monkeypatch.delattr("litellm.llms.custom_httpx.aiohttp_transport.LiteLLMAiohttpTransport")
    with pytest.raises(errors.BadRequest) as caught:
        provider("openai", "http://127.0.0.1:9")
    assert "has no LiteLLMAiohttpTransport. Nothing was sent." in str(caught.value)
    assert "pip install 'litellm" in str(caught.value) and ">=1.105.0" in str(caught.value)
