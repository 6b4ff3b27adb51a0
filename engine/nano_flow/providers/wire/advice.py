"""What to do where a provider is not there, or does not know a model: the next command, or what to declare."""

from __future__ import annotations

from nano_flow.core.errors import ConnectionLost, ModelUnknown, ProviderError
from nano_flow.core.refs import ModelRef
from nano_flow.providers.cards import Endpoint

OLLAMA = frozenset({"ollama", "ollama_chat"})
"""LiteLLM's ids of Ollama."""


def advice(error: ProviderError, endpoint: Endpoint, ref: ModelRef) -> str:
    """One sentence or a piece of YAML; nothing where the message says it all."""
    if isinstance(error, ConnectionLost) and not error.maybe_billed:
        return START_OLLAMA if endpoint.litellm in OLLAMA else f"see nano-flow providers check {endpoint.name}"
    if not isinstance(error, ModelUnknown) or error.status not in (None, 404):
        return ""
    if endpoint.litellm in OLLAMA:
        return f"fetch it: ollama pull {endpoint.model(ref).deployment or ref.model}"
    return _deployment(endpoint, ref) if endpoint.litellm == "azure" else ""


START_OLLAMA = "start it: ollama serve"


def _deployment(endpoint: Endpoint, ref: ModelRef) -> str:
    """Azure serves deployments, whose names only their owner knows."""
    sent = endpoint.model(ref).deployment or ref.model
    return (
        f'there is no deployment "{sent}" there; say in providers.yaml under "providers" which of yours it is:\n'
        f"  {endpoint.name}:\n    models:\n"
        f"      {ref.model}: {{deployment: YOUR-DEPLOYMENT, like: openai/{ref.model}}}"
    )
