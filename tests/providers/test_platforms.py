"""Credentials that a platform gives: Entra ID's tokens for Azure, and the region that goes with a profile of AWS."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core import errors
from nano_flow.core.messages import ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.providers.direct.session import Sessions
from nano_flow.providers.region import region_of
from tests.providers.endpoints import endpoint
from tests.providers.odd import GOOD
from tests.providers.replay import Alone, Reply, Server, serving

ASKED = ChatRequest(ModelRef("azure", "m"), (Message("user", "hello"),), timeout_s=20.0)


class Entra:
    """What stands in for azure-identity: numbered tokens, valid until ``until``."""

    def __init__(self, until: float) -> None:
        self.until, self.asked = until, 0
        self.failure: Exception | None = None

    def get_token(self, *scopes: str) -> SimpleNamespace:
        assert scopes == ("https://cognitiveservices.azure.com/.default",)
        if self.failure is not None:
            raise self.failure
        self.asked += 1
        return SimpleNamespace(token=f"CANARY-token-{self.asked}", expires_on=self.until)


def installed(monkeypatch: pytest.MonkeyPatch, entra: Entra) -> None:
    modules = {name: ModuleType(name) for name in ("azure", "azure.core", "azure.core.exceptions", "azure.identity")}
    modules["azure.core.exceptions"].AzureError = ValueError  # type: ignore[attr-defined]
    modules["azure.identity"].DefaultAzureCredential = lambda: entra  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


async def twice() -> Server:
    async with serving(Reply(GOOD)) as server:
        made = endpoint("azure", "azure", {"base_url": server.url, "api_version": "2025-04-01-preview"}, {}, {})
        adapter = Alone(replace(made, api="openai", platform=True), SystemClock(), Sessions())
        try:
            for _ in range(2):
                await adapter.complete(ASKED)
        finally:
            await adapter.close()
        return server


@pytest.mark.parametrize(("until", "tokens"), [(4e9, ["1", "1"]), (0.0, ["1", "2"])])
def test_a_token_of_entra_is_sent_until_it_ends(
    until: float, tokens: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, Entra(until))
    server = asyncio.run(twice())
    sent = [next(line for line in head.split("\r\n") if line.startswith("authorization")) for head in server.heads]
    assert sent == [f"authorization: bearer canary-token-{number}" for number in tokens]
    assert not any("api-key:" in head for head in server.heads)


def test_without_a_token_or_the_package_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    entra = Entra(0.0)
    entra.failure = ValueError("DefaultAzureCredential failed\nmany lines")
    installed(monkeypatch, entra)
    with pytest.raises(errors.BadCredentials, match=r"Entra ID gives no token here: DefaultAzureCredential failed$"):
        asyncio.run(twice())
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(errors.BadRequest, match="pip install azure-identity"):
        asyncio.run(twice())


def test_a_profile_brings_its_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\n[profile team]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    keys = endpoint("bedrock", "bedrock", {}, {}, {})
    assert region_of(keys) == "us-east-1"
    assert region_of(replace(keys, platform=True)) == "eu-west-1"
    assert region_of(replace(keys, parts={"profile": "team"})) == "eu-central-1"
    assert region_of(replace(keys, parts={"profile": "nobody"})) == "us-east-1"
    assert region_of(replace(keys, parts={"profile": "team"}, settings={"region": "us-west-2"})) == "us-west-2"
