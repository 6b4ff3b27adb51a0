"""A way to choose: ``choose: steady`` in routing.yaml prefers models that were asked often already."""

from __future__ import annotations

from nano_flow.routing.request import Candidate, Observations


def steady(candidates: tuple[Candidate, ...], observations: Observations) -> list[Candidate]:
    """The same candidates, those with the most measured calls first; ties as listed. It must be pure."""
    return sorted(candidates, key=lambda candidate: -candidate.calls)
