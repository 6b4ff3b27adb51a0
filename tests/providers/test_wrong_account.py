"""Two accounts of one kind of provider: each address gets the key that was declared for it, on the wire."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core.errors import BadCredentials, ProviderError
from nano_flow.core.messages import ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_providers
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.providers.table import ProviderTable, Surroundings
from tests.providers.replay import Reply, serving

WRONG = {
    **dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "COHERE_API_KEY"), "wrong-key-0000"),
    **dict.fromkeys(("AZURE_OPENAI_API_KEY", "AZURE_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"), "wrong-key-0001"),
    **dict.fromkeys(("HF_TOKEN", "MISTRAL_API_KEY", "OLLAMA_API_KEY"), "wrong-key-0002"),
    "AWS_ACCESS_KEY_ID": "AKIAWRONGACCOUNT",
    "AWS_SECRET_ACCESS_KEY": "wrong-secret-0000",
    "AWS_SESSION_TOKEN": "wrong-session-000",
    "AWS_BEARER_TOKEN_BEDROCK": "wrong-bearer-0000",
}
RIGHT = {
    "TEAM_SECRET": "right-secret-1111",
    "TEAM_ACCESS_KEY_ID": "AKIARIGHTACCOUNT",
    "TEAM_SECRET_ACCESS_KEY": "right",
}


def heads_of(
    monkeypatch: pytest.MonkeyPatch, card: str, environ: Mapping[str, str]
) -> tuple[str, ProviderError | None]:
    """What the server of ``card`` saw, in a process whose environment holds the other account's keys."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    async def run() -> tuple[str, ProviderError | None]:
        async with serving(Reply(b'{"error": {"message": "no"}}', status=400)) as server:
            text = f'nano_flow: 1\nproviders:\n  team:\n    base_url: "{server.url}"\n    open: true\n    {card}\n'
            source = load_providers(text, "providers.yaml")
            table = ProviderTable(
                build_catalogue(source.document, source.source.value_range).providers,
                Surroundings(SystemClock(), dict(os.environ)),
            )
            request = ChatRequest(ModelRef("team", "m"), (Message("user", "hello"),), timeout_s=20.0)
            failure = None
            try:
                await (await table.ready("team")).complete(request)
            except ProviderError as error:
                failure = error
            await table.close()
            return "".join(server.heads), failure

    return asyncio.run(run())


@pytest.mark.parametrize(
    "service", ["openai", "anthropic", "azure", "gemini", "groq", "cohere", "huggingface", "mistral", "ollama_chat"]
)
def test_the_declared_key_is_sent_and_the_usual_one_is_not(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    card = f'litellm: {service}\n    credentials: [TEAM_SECRET]\n    api_version: "2025-04-01-preview"'
    heads, _ = heads_of(monkeypatch, card, {**WRONG, **RIGHT})
    assert "right-secret-1111" in heads
    assert "wrong" not in heads


def test_the_declared_keys_of_aws_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    card = "litellm: bedrock\n    credentials: [TEAM_ACCESS_KEY_ID, TEAM_SECRET_ACCESS_KEY]\n    region: eu-central-1"
    heads, _ = heads_of(monkeypatch, card, {**WRONG, **RIGHT})
    assert "credential=akiarightaccount/" in heads
    assert "wrong" not in heads


@pytest.mark.parametrize("service", ["openai", "groq", "ollama_chat", "mistral"])
def test_to_an_address_without_credentials_no_key_goes(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heads, _ = heads_of(monkeypatch, f"litellm: {service}", WRONG)
    assert heads
    assert "wrong" not in heads


def test_a_bearer_token_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    card = "litellm: bedrock\n    credentials: {token: TEAM_SECRET}\n    region: eu-central-1"
    heads, _ = heads_of(monkeypatch, card, {**WRONG, **RIGHT})
    assert "bearer right-secret-1111" in heads and "wrong" not in heads


def test_a_key_that_a_library_would_send_all_the_same_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM prefers a token of Azure's directory that it finds to the key that it is given."""
    card = 'litellm: azure\n    credentials: {token: TEAM_SECRET}\n    api_version: "2025-04-01-preview"'
    heads, failure = heads_of(monkeypatch, card, {**WRONG, **RIGHT})
    assert "wrong" not in heads
    assert "right-secret-1111" in heads or isinstance(failure, BadCredentials)
