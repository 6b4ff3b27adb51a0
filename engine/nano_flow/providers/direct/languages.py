"""Which language an endpoint's servers speak."""

from __future__ import annotations

from nano_flow.providers.cards import Endpoint
from nano_flow.providers.direct.anthropic.dialect import Anthropic
from nano_flow.providers.direct.dialect import Dialect
from nano_flow.providers.direct.gemini.dialect import Gemini
from nano_flow.providers.direct.openai import OpenAI


def language_of(endpoint: Endpoint) -> Dialect:
    """The language that ``api:`` names, in the form that the kind of service takes."""
    if endpoint.api == "anthropic":
        return Anthropic()
    if endpoint.api == "gemini":
        return Gemini("gemini" if endpoint.part("api_key") else endpoint.litellm)
    return OpenAI(endpoint.litellm)
