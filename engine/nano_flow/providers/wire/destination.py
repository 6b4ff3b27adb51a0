"""Where a call goes by LiteLLM: the model's name, the address, the declared keys in the arguments that take them.

What LiteLLM would take from the environment in the place of an argument is said to be empty: nothing that the document
does not name is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.providers.cards import Endpoint, ModelFacts
from nano_flow.providers.region import region_of

Arguments = dict[str, object]
NO_KEY = "none"
"""What goes in the place of a key to a server that needs none."""


def destination(endpoint: Endpoint, card: ModelFacts) -> Arguments:
    """``model``, address and key, as LiteLLM wants them for this provider."""
    return _DESTINATIONS.get(endpoint.litellm, _usual)(endpoint, card.deployment or card.ref.model)


def _said(**arguments: str) -> Arguments:
    """Those that have a value."""
    return {name: value for name, value in arguments.items() if value}


def _usual(endpoint: Endpoint, model: str) -> Arguments:
    """One key; a server of one's own that needs none still gets a word in its place."""
    return _with_key(endpoint, f"{endpoint.litellm}/{model}", endpoint.address)


def _with_key(endpoint: Endpoint, model: str, base: str) -> Arguments:
    nothing = NO_KEY if endpoint.address and not endpoint.platform else ""
    organization = endpoint.setting("organization")
    return _said(model=model, api_base=base, api_key=endpoint.key or nothing, organization=organization)


def _azure(endpoint: Endpoint, model: str) -> Arguments:
    return _said(
        model=f"azure/{model}",
        api_base=endpoint.address,
        api_version=endpoint.setting("api_version"),
        api_key=endpoint.part("api_key"),
        azure_ad_token=endpoint.part("token"),
    )


def _gemini(endpoint: Endpoint, model: str) -> Arguments:
    base = endpoint.address.rstrip("/")
    if base and not base.rsplit("/", 1)[-1].startswith("v1"):
        base = f"{base}/v1beta"
    return _with_key(endpoint, f"gemini/{model}", base)


def _vertex(endpoint: Endpoint, model: str) -> Arguments:
    """With a service account by Vertex; with an API key alone by the Gemini API."""
    if endpoint.part("api_key"):
        return _gemini(endpoint, model)
    return _said(
        model=f"vertex_ai/{model}",
        vertex_project=endpoint.setting("project") or endpoint.part("project"),
        vertex_location=endpoint.setting("location"),
        vertex_credentials=endpoint.part("service_account"),
        api_base=endpoint.address,
    )


def _bedrock(endpoint: Endpoint, model: str) -> Arguments:
    where = _said(
        model=f"bedrock/converse/{model}",
        aws_region_name=region_of(endpoint),
        aws_bedrock_runtime_endpoint=endpoint.address,
    )
    return where | _aws_keys(endpoint)


def _sagemaker(endpoint: Endpoint, model: str) -> Arguments:
    where = _said(
        model=f"{endpoint.litellm}/{model}",
        aws_region_name=region_of(endpoint),
        sagemaker_base_url=endpoint.address,
    )
    return where | _aws_keys(endpoint)


def _aws_keys(endpoint: Endpoint) -> Arguments:
    """Keys of AWS; a bearer token and a token of temporary keys would come from the environment, were they left out."""
    if not endpoint.part("access_key"):
        return _said(aws_profile_name=endpoint.part("profile"), api_key=endpoint.key)
    return {
        "aws_access_key_id": endpoint.part("access_key"),
        "aws_secret_access_key": endpoint.part("secret_key"),
        "aws_session_token": endpoint.part("session_token"),
        "api_key": "",
    }


def _ollama(endpoint: Endpoint, model: str) -> Arguments:
    """``ollama_chat``: LiteLLM's ``ollama`` pastes tools into the prompt. ``OLLAMA_HOST`` may lack its scheme."""
    base = endpoint.address
    if base and "://" not in base:
        base = f"http://{base if ':' in base else f'{base}:11434'}"
    return _said(
        model=f"ollama_chat/{model}", api_base=base.replace("://0.0.0.0", "://127.0.0.1"), api_key=endpoint.key
    )


def _cohere(endpoint: Endpoint, model: str) -> Arguments:
    base = endpoint.address.rstrip("/")
    if base and not base.endswith("/chat"):
        base = f"{base.removesuffix('/v2').removesuffix('/v1')}/v2/chat"
    return _with_key(endpoint, f"cohere/{model}", base)


def _huggingface(endpoint: Endpoint, model: str) -> Arguments:
    """With an address LiteLLM sends the name as it is; without one it asks the hub about it, and all wait meanwhile."""
    base = endpoint.address or "https://router.huggingface.co/v1"
    return _with_key(endpoint, f"huggingface/{model}", base)


_DESTINATIONS: Mapping[str, Callable[[Endpoint, str], Arguments]] = {
    "azure": _azure,
    "gemini": _gemini,
    "vertex_ai": _vertex,
    "bedrock": _bedrock,
    "sagemaker": _sagemaker,
    "sagemaker_chat": _sagemaker,
    "ollama": _ollama,
    "ollama_chat": _ollama,
    "cohere": _cohere,
    "huggingface": _huggingface,
}
