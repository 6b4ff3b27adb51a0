"""Published prices that are already on this machine: LiteLLM's map, read as a file, and genai-prices' snapshot."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.refs import ModelRef
from nano_flow.pricing.market.published import PublishedPrices, from_genai, from_litellm

Lookup = Callable[[ModelRef], PublishedPrices | None]
_MAP = "model_prices_and_context_window_backup.json"


def litellm_prices() -> tuple[str, Lookup] | None:
    """The source's name and its look-up; None where LiteLLM, or its map, is not installed. LiteLLM is not imported."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return None
    try:
        text = (Path(spec.submodule_search_locations[0]) / _MAP).read_text(encoding="utf-8")
        loaded = json.loads(text, parse_float=Decimal)
    except (OSError, ValueError):
        return None
    table: Mapping[str, Mapping[str, object]] = {k: v for k, v in loaded.items() if isinstance(v, dict)}
    name = f"LiteLLM {_version('litellm')}"
    return name, lambda ref: from_litellm(table, ref, name)


def genai_prices() -> tuple[str, Lookup] | None:
    """The same for the package genai-prices, which is looked at where it is installed."""
    if importlib.util.find_spec("genai_prices") is None:
        return None
    try:
        snapshot = importlib.import_module("genai_prices.data_snapshot").get_snapshot()
        providers = list(snapshot.providers)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"genai-prices cannot be read: {error}") from None
    name = f"genai-prices {_version('genai-prices')}"
    return name, lambda ref: from_genai(providers, ref, name)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"
