"""Credentials that are not declared as such: tokens that a platform gives, for a while."""

from __future__ import annotations

from typing import Protocol

from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.direct.entra import EntraTokens
from nano_flow.providers.direct.gemini.tokens import GoogleTokens, needs_tokens


class Tokens(Protocol):
    """Where the token of one account comes from; ``project`` is the account's, where it has one."""

    project: str

    async def bearer(self) -> str:
        """A token that is good for a while."""


def tokens_of(endpoint: Endpoint, service: str, clock: Clock) -> Tokens | None:
    """What gives the token of an endpoint's calls; None where they carry what is declared."""
    if service == "azure" and endpoint.platform:
        return EntraTokens(clock)
    needed = needs_tokens(service, endpoint.part("api_key"), endpoint.part("token"))
    return GoogleTokens(endpoint.part("service_account")) if needed else None
