"""Starts the server that speaks the providers' wire formats, and points every shipped provider at it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from nano_flow.clock import SystemClock
from nano_flow.core.messages import ChatRequest, Message, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_providers
from nano_flow.plan.catalogue import Catalogue, ProviderCard
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.ports import ChatProvider
from nano_flow.providers.table import ProviderTable, Surroundings

HERE = Path(__file__).parent
MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-haiku-4-5",
    "azure": "gpt-4o",
    "gemini": "gemini-2.5-flash",
    "vertex": "gemini-2.5-flash",
    "bedrock": "amazon.nova-lite-v1:0",
    "ollama": "llama3.1",
    "cohere": "command-r-08-2024",
    "huggingface": "meta-llama/Llama-3.3-70B-Instruct",
}
"""One model of each shipped provider."""

TOOLS = (
    ToolSpec(
        "get_weather",
        "The weather of a city.",
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    ),
    ToolSpec(
        "get_time",
        "The time in a city.",
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    ),
)
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


def missing() -> str:
    """Why the server cannot run here; empty where it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (HERE / "node_modules" / "@copilotkit" / "aimock").is_dir():
        return "the wire server is not installed: run `npm ci` in tests/wire"
    return ""


def missing_for(provider: str) -> str:
    """What a provider's own service needs and is not installed here; empty where nothing is."""
    needed = {"vertex": ("google.auth", "cryptography", "requests"), "bedrock": ("boto3",)}.get(provider, ())
    absent = [name for name in needed if not _installed(name)]
    return f"{provider} needs {', '.join(absent)}, which is not installed" if absent else ""


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@dataclass
class WireServer:
    """A running server."""

    process: subprocess.Popen[str]
    url: str

    @classmethod
    def start(cls) -> WireServer:
        process = subprocess.Popen(
            ["node", str(HERE / "server.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        return cls(process, json.loads(process.stdout.readline())["url"])

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def environment(url: str, folder: Path) -> dict[str, str]:
    """Keys that are none, and addresses that are the server's."""
    return {
        "OPENAI_API_KEY": "sk-CANARY-openai",
        "OPENAI_BASE_URL": f"{url}/v1",
        "ANTHROPIC_API_KEY": "sk-CANARY-anthropic",
        "ANTHROPIC_BASE_URL": url,
        "AZURE_OPENAI_API_KEY": "CANARY-azure-key",
        "AZURE_OPENAI_ENDPOINT": url,
        "GEMINI_API_KEY": "AIzaCANARY0000000000",
        "GEMINI_BASE_URL": url,
        "GOOGLE_APPLICATION_CREDENTIALS": str(service_account(url, folder)),
        "GOOGLE_CLOUD_PROJECT": "a-project",
        "VERTEX_BASE_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIACANARY0000000",
        "AWS_SECRET_ACCESS_KEY": "CANARY-secret-key",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "OLLAMA_HOST": url,
        "COHERE_API_KEY": "CANARY-cohere-key",
        "COHERE_BASE_URL": url,
        "HF_TOKEN": "hf_CANARY00000000",
        "HF_BASE_URL": f"{url}/v1",
    }


def service_account(url: str, folder: Path) -> Path:
    """A service account of Google with a key of its own that signs nothing but this test's token."""
    file = folder / "account.json"
    if not file.exists():
        account = {
            "type": "service_account",
            "project_id": "a-project",
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": "test@a-project.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{url}/token",
        }
        file.write_text(json.dumps(account))
    return file


def private_key() -> str:
    """A new RSA key in PEM form; a word in its place where no package can make one."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        return base64.b64encode(os.urandom(64)).decode()
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def catalogue() -> Catalogue:
    """The shipped providers."""
    source = load_providers((HERE.parents[1] / "providers.yaml").read_text(), "providers.yaml")
    return build_catalogue(source.document, source.source.value_range)


def by_litellm(card: ProviderCard) -> ProviderCard:
    """The same provider through LiteLLM, where it ships as one that is called directly."""
    return replace(card, api=None, litellm=card.service) if card.api else card


def providers(url: str, folder: Path, *, direct: bool = True) -> ProviderTable:
    """Adapters of all shipped providers, at the server; as they ship, or all of them through LiteLLM."""
    cards = catalogue().providers
    if not direct:
        cards = {name: by_litellm(card) for name, card in cards.items()}
    return ProviderTable(cards, Surroundings(SystemClock(), environment(url, folder)))


def request(provider: str, text: str, **fields: object) -> ChatRequest:
    """A request to the provider's test model."""
    return ChatRequest(
        ModelRef(provider, MODELS[provider]),
        (Message("user", text),),
        max_output_tokens=1000,
        timeout_s=20.0,
        **fields,  # type: ignore[arg-type]
    )


def adapter(table: ProviderTable, name: str) -> ChatProvider:
    """The adapter of one provider."""
    return table.get(name)
