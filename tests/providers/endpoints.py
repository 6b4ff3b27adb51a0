"""Endpoints as a document would give them."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.plan.credentials import parts_of
from nano_flow.providers.cards import Endpoint, ModelFacts


def endpoint(
    name: str, litellm: str, settings: Mapping[str, str], keys: Mapping[str, str], models: Mapping[str, ModelFacts]
) -> Endpoint:
    """With the part that each variable plays by its name, where that is certain."""
    parts = {part: keys[variable] for part, variable in (parts_of(litellm, list(keys)) or {}).items()}
    return Endpoint(name, litellm, settings, keys, models, parts)
