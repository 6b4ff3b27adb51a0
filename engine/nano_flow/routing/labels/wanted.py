"""Prompts with the tier that each should have had, read from JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nano_flow.routing.labels.outcomes import rows_of


@dataclass(frozen=True, slots=True)
class WantedTier:
    """A prompt, and the tier that a person gave it; None where nobody did."""

    prompt: str
    tier: str | None


def read_wanted(text: str, name: str, tiers: Sequence[str]) -> list[WantedTier]:
    """Rows of ``prompt`` and maybe ``tier``. ValueError names the file and line of the first bad row."""
    found = []
    for line, row in rows_of(text, name, "prompt and tier"):
        prompt, tier = row.get("prompt"), row.get("tier")
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError(f'{name}:{line}: "prompt" is missing; a row has prompt, and may have tier')
        if tier not in (None, "", *tiers):
            raise ValueError(f'{name}:{line}: there is no tier "{tier}"; tiers are: {", ".join(tiers)}')
        found.append(WantedTier(prompt, str(tier) if tier else None))
    if not found:
        raise ValueError(f"{name} holds no rows")
    return found
