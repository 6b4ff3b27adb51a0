"""Which language an endpoint's servers speak."""

from __future__ import annotations

from nano_flow.providers.cards import Endpoint
from nano_flow.providers.direct.dialect import Dialect
from nano_flow.providers.direct.openai import OpenAI


def language_of(endpoint: Endpoint) -> Dialect:
    """The language that ``api:`` names, in the form that the kind of service takes."""
    return OpenAI(endpoint.litellm)
