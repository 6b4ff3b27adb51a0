"""Whether a set-up is healthy, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nano_flow.locate import PolicyFile
from nano_flow.operations.place import Place
from nano_flow.operations.project import health
from nano_flow.operations.project.health import Finding, Health

if TYPE_CHECKING:
    from nano_flow.project.providers import ProviderState

__all__ = ["Finding", "Health", "examine"]


def examine(place: Place, *, ask: bool) -> Iterator[Finding]:
    """Everything that can be said here; providers are asked only where ``ask`` says so."""
    yield health.check_python()
    yield health.check_package()
    yield health.check_litellm()
    yield health.check_shell()
    yield health.check_state(place.state)
    yield from health.check_store(place)
    files = place.policy()
    policy = list(health.check_policy(files))
    yield from policy
    yield from health.check_documents([Path()])
    if all(finding.health == "good" for finding in policy):
        yield from health.check_models(files)
        yield from health.credentials_found(_states(place, files, ask=ask))


def _states(place: Place, files: tuple[PolicyFile, ...], *, ask: bool) -> list[ProviderState]:
    from nano_flow.project.policies import read_policies
    from nano_flow.project.providers import check_providers, provider_states

    catalogue = read_policies(files).catalogue
    if not ask:
        return provider_states(catalogue, place.environ)
    import asyncio

    return asyncio.run(check_providers(catalogue, place.environ))
