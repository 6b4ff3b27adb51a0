"""Tokens of Google for Vertex: from the file of a service account, or from what the platform itself finds."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol, cast

from nano_flow.core.errors import BadCredentials, BadRequest, ConnectionLost

if TYPE_CHECKING:
    from google.auth.credentials import Credentials


class Load(Protocol):
    """What google-auth finds credentials by; it has no types."""

    def __call__(self, *source: object, scopes: list[str]) -> tuple[Credentials, str | None]:
        """The credentials, and their project."""


_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


class GoogleTokens:
    """The token of one account, asked for anew shortly before it ends. ``account``: a file, its text, or nothing."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._credentials: Credentials | None = None
        self._asking = asyncio.Lock()
        self.project = ""

    async def bearer(self) -> str:
        """A token that is good for a while. BadCredentials or ConnectionLost where there is none."""
        async with self._asking:
            if self._credentials is None or not self._credentials.valid:
                self._credentials = await asyncio.to_thread(self._refreshed, self._credentials)
            return str(self._credentials.token)

    def _refreshed(self, credentials: Credentials | None) -> Credentials:
        try:
            from google.auth.exceptions import GoogleAuthError, RefreshError
            from google.auth.transport.requests import Request
        except ImportError:
            raise BadRequest("calls of Vertex need google-auth: pip install 'nano-flow[vertex]'") from None
        try:
            found = credentials or self._found()
            found.refresh(Request())  # type: ignore[no-untyped-call]
        except (RefreshError, ValueError, OSError) as error:
            raise BadCredentials(f"Google gives no token for this account: {error}") from None
        except GoogleAuthError as error:
            raise ConnectionLost(f"Google was not reached for a token: {error}") from None
        return found

    def _found(self) -> Credentials:
        import google.auth

        load: object
        given: list[object]
        if self._account.lstrip().startswith("{"):
            load, given = google.auth.load_credentials_from_dict, [json.loads(self._account)]
        elif self._account:
            load, given = google.auth.load_credentials_from_file, [self._account]
        else:
            load, given = google.auth.default, []
        credentials, project = cast("Load", load)(*given, scopes=_SCOPES)
        self.project = project or ""
        return credentials


def needs_tokens(service: str, api_key: str, token: str) -> bool:
    """Whether calls of ``service`` carry a token that nobody declared as such."""
    return service == "vertex_ai" and not api_key and not token
