"""Tokens of Microsoft Entra ID for Azure: what the platform itself finds (a managed identity, ``az login`` …)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from nano_flow.core.errors import BadCredentials, BadRequest
from nano_flow.ports import Clock

_SCOPE = "https://cognitiveservices.azure.com/.default"
_BEFORE_S = 300.0
"""How long before its end a token is asked for anew."""


class _Token(Protocol):
    token: str
    expires_on: int


class _Credential(Protocol):
    def get_token(self, *scopes: str) -> _Token:
        """A token of these scopes."""


class EntraTokens:
    """The token of this machine or of whoever is signed in on it."""

    project = ""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._credential: _Credential | None = None
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def bearer(self) -> str:
        """A token that is good for a while. BadCredentials where there is none, BadRequest without the package."""
        async with self._asking:
            if self._clock.now() >= self._until - _BEFORE_S:
                found = await asyncio.to_thread(self._asked)
                self._token, self._until = found.token, float(found.expires_on)
            return self._token

    def _asked(self) -> _Token:
        try:
            from azure.core.exceptions import AzureError
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise BadRequest("Entra ID needs azure-identity: pip install azure-identity") from None
        try:
            if self._credential is None:
                self._credential = DefaultAzureCredential()
            return self._credential.get_token(_SCOPE)
        except (AzureError, ValueError, OSError) as error:
            said = str(error).strip().splitlines()
            raise BadCredentials(f"Entra ID gives no token here: {said[0] if said else error}") from None
