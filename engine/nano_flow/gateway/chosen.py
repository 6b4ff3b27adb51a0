"""The models that a command line chose for a whole run, in place of what its steps say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from nano_flow.gateway.ask import ModelAnswer, ModelAsk


class Models(Protocol):
    """Answers a model's turn."""

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        """A whole reply."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Puts ``--model`` and ``--provider`` into every question; None leaves what the step says."""

    models: Models
    model: str | None = None
    provider: str | None = None

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        """The answer to the changed question."""
        if self.model is not None:
            ask = replace(ask, model=self.model)
        if self.provider is not None:
            ask = replace(ask, providers=(self.provider,))
        return await self.models.call(ask)
