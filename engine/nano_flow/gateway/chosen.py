"""The models that a command line chose for a whole run, in place of what its steps say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from nano_flow.gateway.ask import ModelAnswer, ModelAsk


class Models(Protocol):
    """Answers a model's turn."""

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        """A whole reply."""

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        """Whether the policy allows to keep what is asked for reports."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Puts ``--model`` and ``--provider`` into every question."""

    models: Models
    model: str | None = None
    provider: str | None = None

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        """The answer to the changed question."""
        return await self.models.call(in_place(ask, self.model, self.provider))

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        """Whether the policy allows to keep the changed question."""
        return self.models.keeps_prompts(in_place(ask, self.model, self.provider))


def in_place(ask: ModelAsk, model: str | None, provider: str | None) -> ModelAsk:
    """The same question to ``model`` and ``provider``; None leaves what the step says."""
    route = ask.route
    if model is not None:
        route = replace(route, model=model)
    if provider is not None:
        route = replace(route, providers=(provider,))
    return ask if route is ask.route else replace(ask, route=route)
