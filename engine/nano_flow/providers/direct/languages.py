"""Which language an endpoint's servers speak."""

from __future__ import annotations

from nano_flow.providers.cards import Endpoint, ModelFacts
from nano_flow.providers.direct.anthropic.dialect import Anthropic
from nano_flow.providers.direct.dialect import Dialect
from nano_flow.providers.direct.gemini.dialect import Gemini
from nano_flow.providers.direct.openai import OpenAI
from nano_flow.providers.direct.responses.dialect import Responses, speaks_responses


def language_of(endpoint: Endpoint, card: ModelFacts | None = None) -> Dialect:
    """The language that ``api:`` names, in the form that the kind of service, and the model, takes."""
    if endpoint.api == "anthropic":
        return Anthropic()
    if endpoint.api == "gemini":
        return Gemini("gemini" if endpoint.part("api_key") else endpoint.litellm)
    if card is not None and speaks_responses(endpoint, card):
        return Responses()
    return OpenAI(endpoint.litellm)
