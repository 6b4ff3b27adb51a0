"""The ``model_list`` of LiteLLM's proxy: each deployment as a model of a provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue

_SAME = {"vertex_ai": "vertex", "ollama_chat": "ollama", "cohere_chat": "cohere", "vertex_ai_beta": "vertex"}
"""LiteLLM's ids of services that ship under another name."""
_BEGINNINGS = {"gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude": "anthropic"}
"""How names of models begin that stand without a provider."""
_ENVIRON = "os.environ/"
_PARTS = {
    "api_key": "api_key",
    "aws_access_key_id": "access_key",
    "aws_secret_access_key": "secret_key",
    "aws_session_token": "session_token",
    "vertex_credentials": "service_account",
}
"""Parameters that hold credentials → the part that the variable plays."""
_NO_KEY = frozenset({"none", "empty", "dummy", "fake", "na", "n/a", "no-key", "not-needed", "anything", "xxx", "null"})
"""What people write where a server wants no key."""
_CLOUDS = frozenset({"azure", "bedrock", "vertex_ai", "vertex_ai_beta"})
"""Services whose usual variables belong to every address of theirs."""
_SETTINGS = {
    "api_base": "base_url",
    "base_url": "base_url",
    "api_version": "api_version",
    "aws_region_name": "region",
    "vertex_location": "location",
    "vertex_project": "project",
    "organization": "organization",
}
_ABILITIES = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_response_schema": "json_schema",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "prompt_caching",
    "supports_system_messages": "system_prompt",
}
_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
}
_LIMITS = {"rpm": "rpm", "tpm": "tpm", "max_parallel_requests": "in_flight"}
_TOLD = {"model", "timeout", "extra_headers", *_PARTS, *_SETTINGS, *_LIMITS, *_PRICES}
_SIZES = {"max_input_tokens", "max_output_tokens", "max_tokens"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry. ``model_says`` None: the model ships, and nothing is added to it."""

    group: str
    provider: str
    model: str
    provider_says: Mapping[str, Any]
    model_says: dict[str, Any] | None
    prices: Mapping[str, float] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """Its name here."""
        return f"{self.provider}/{self.model}"


def deployments_of(entries: list[Any], catalogue: Catalogue, left: list[str]) -> list[Deployment]:
    """Every deployment; those that share an address and a key share a provider. ``left`` takes what is not used."""
    reader = _Reader(catalogue, left)
    found = []
    for number, entry in enumerate(entries):
        params = entry.get("litellm_params") if isinstance(entry, dict) else None
        if not isinstance(params, dict) or not isinstance(params.get("model"), str) or "*" in params["model"]:
            left.append(f"model_list[{number}]")
            continue
        info = entry.get("model_info")
        found.append(reader.deployment(str(entry.get("model_name")), params, info if isinstance(info, dict) else {}))
    return found


class _Reader:
    def __init__(self, catalogue: Catalogue, left: list[str]) -> None:
        self._catalogue = catalogue
        self._left = left
        self._named: dict[str, tuple[str, str]] = {}
        """Provider → what is special to it, and its kind: the same is not written twice."""

    def deployment(self, group: str, params: Mapping[str, Any], info: Mapping[str, Any]) -> Deployment:
        """One entry of the list."""
        service, model = _service_and_model(params["model"])
        says = self._provider(service, params)
        provider = self._name(service, says)
        shipped = self._catalogue.model(ModelRef(provider, model)) if provider in self._catalogue.providers else None
        about = self._model(params, info)
        known = shipped is not None and shipped.declared and not about
        self._left += [f"{group}: litellm_params.{key}" for key in params if key not in _TOLD]
        told = {*_ABILITIES, *_PRICES, *_SIZES, "mode", "id", "base_model"}
        self._left += [f"{group}: model_info.{key}" for key in info if key not in told]
        return Deployment(group, provider, model, says, None if known else about, _prices({**info, **params}))

    def _provider(self, service: str, params: Mapping[str, Any]) -> dict[str, Any]:
        says: dict[str, Any] = {}
        for key, ours in _SETTINGS.items():
            if isinstance(value := params.get(key), str) and value:
                says[ours] = _expanded(value)
        parts = {part: variable for key, part in _PARTS.items() if (variable := self._variable(service, key, params))}
        if isinstance(headers := params.get("extra_headers"), dict):
            says["headers"] = {str(name): _expanded(str(value)) for name, value in headers.items()}
        if says or (parts and not self._is_usual(service, parts)):
            credentials = self._credentials(service, parts)
            says |= {"credentials": credentials} if credentials else {}
        return says

    def _credentials(self, service: str, parts: Mapping[str, str]) -> list[str] | dict[str, str]:
        """What stands in the file, else the variables that the service is known for."""
        if parts:
            return [parts["api_key"]] if list(parts) == ["api_key"] else dict(parts)
        card = self._catalogue.providers.get(_SAME.get(service, service))
        return dict(card.roles[0]) if service in _CLOUDS and card is not None and card.roles else []

    def _variable(self, service: str, key: str, params: Mapping[str, Any]) -> str:
        """The variable of a credential. A key that stands in the file is not copied: it gets a variable."""
        value = params.get(key)
        if not isinstance(value, str) or not value:
            return ""
        if value.startswith(_ENVIRON):
            return value.removeprefix(_ENVIRON)
        if value.strip().lower() in _NO_KEY:
            return ""
        # After the host where there is one: the variable of the service itself must not reach another address.
        owner = _host(params.get("api_base") or params.get("base_url")) or service
        name = f"{re.sub('[^A-Z0-9]+', '_', owner.upper())}_{key.upper()}"
        self._left.append(f"the value of {key} for {owner}: set the variable {name} to it")
        return name

    def _is_usual(self, service: str, parts: Mapping[str, str]) -> bool:
        card = self._catalogue.providers.get(_SAME.get(service, service))
        return card is not None and any(set(parts.values()) <= set(way) for way in card.credentials)

    def _name(self, service: str, says: dict[str, Any]) -> str:
        """The provider's name: the shipped one where nothing is special, else one after its host."""
        usual = _SAME.get(service, service)
        if not says and usual in self._catalogue.providers:
            return usual
        key = repr(sorted((name, repr(value)) for name, value in says.items()))
        plain = _host(says.get("base_url"))
        base = plain or (usual if usual not in self._catalogue.providers else f"{usual}-own")
        number, name = 1, base
        while name in self._catalogue.providers or self._named.get(name, (key, service)) != (key, service):
            number, name = number + 1, f"{base}-{number + 1}"
        self._named[name] = (key, service)
        says["litellm"] = service
        return name

    def _like(self, base: object) -> str:
        """The shipped model that a deployment serves."""
        name = base.rpartition("/")[2] if isinstance(base, str) else ""
        cards = (card for provider in self._catalogue.providers.values() for card in provider.models.values())
        return next((str(card.ref) for card in cards if name and card.ref.model == name), "")

    def _model(self, params: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
        says: dict[str, Any] = {}
        window, most = info.get("max_input_tokens"), info.get("max_output_tokens") or info.get("max_tokens")
        if isinstance(window, int):
            says["context_window"] = window
        if isinstance(most, int):
            says["max_output_tokens"] = most
        if any(key in info for key in _ABILITIES):
            says["can"] = [*(ours for key, ours in _ABILITIES.items() if info.get(key) is True), "streaming"]
        limits = {ours: value for key, ours in _LIMITS.items() if isinstance(value := params.get(key), int)}
        if limits:
            says["limits"] = limits
        if like := self._like(info.get("base_model")):
            says["like"] = like
        if isinstance(timeout := params.get("timeout"), int | float):
            says["timeout"] = f"{timeout:g}s"
        return says


def _host(address: object) -> str:
    """The host of an address as a word; nothing where it is a variable."""
    try:
        host = urlsplit(address).hostname if isinstance(address, str) else None
    except ValueError:
        host = None
    return re.sub(r"[^A-Za-z0-9]+", "-", host or "").strip("-")


def _service_and_model(name: str) -> tuple[str, str]:
    service, slash, model = name.partition("/")
    if slash and model:
        return service, model.removeprefix("converse/") if service == "bedrock" else model
    found = next((ours for start, ours in _BEGINNINGS.items() if name.startswith(start)), "openai")
    return found, name


def _expanded(value: str) -> str:
    return f"${{{value.removeprefix(_ENVIRON)}}}" if value.startswith(_ENVIRON) else value


def _prices(said: Mapping[str, Any]) -> dict[str, float]:
    """Prices for a token as prices for a million."""
    found = {ours: float(Decimal(str(said[key])) * 1_000_000) for key, ours in _PRICES.items() if _is_price(said, key)}
    return found if {"input", "output"} <= found.keys() else {}


def _is_price(said: Mapping[str, Any], key: str) -> bool:
    value = said.get(key)
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
