"""Which providers and models there are, which keys are found, and who answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.operations.place import Place
from nano_flow.project.policies import read_policies
from nano_flow.project.providers import ModelLine, ProviderState, check_providers, model_lines, provider_states

__all__ = ["ModelLine", "ProviderState", "ask_providers", "models_of", "providers_of"]


def providers_of(place: Place, workflow: Path | None = None) -> list[ProviderState]:
    """The providers of providers.yaml, and whether the variables with their keys are set. Nobody is asked."""
    return provider_states(read_policies(place.policy(workflow)).catalogue, place.environ)


def ask_providers(
    place: Place, names: Sequence[str] = (), timeout: float = 5.0, workflow: Path | None = None
) -> list[ProviderState]:
    """Ask each provider that has a key, or those of ``names``, one cheap question. Raises UsageError; blocks."""
    catalogue = read_policies(place.policy(workflow)).catalogue
    unknown = [name for name in names if name not in catalogue.providers]
    if unknown:
        raise UsageError(f'there is no provider "{unknown[0]}"; providers are: {", ".join(catalogue.providers)}')
    return asyncio.run(check_providers(catalogue, place.environ, tuple(names), timeout))


def models_of(place: Place, name: str = "", workflow: Path | None = None) -> list[ModelLine]:
    """The declared models whose provider/model contains ``name``. Raises UsageError where none does."""
    lines = model_lines(read_policies(place.policy(workflow)).catalogue, name, place.environ)
    if name and not lines:
        raise UsageError(f'no declared model has "{name}" in its name; "nano-flow providers models" shows all')
    return lines
