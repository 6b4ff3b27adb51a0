"""The connections of a run: one client for all providers that are called directly, made with the first call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nano_flow.core.errors import BadRequest
from nano_flow.providers.transport.proxies import proxy_of, trust

if TYPE_CHECKING:
    from aiohttp import ClientSession

_CONNECT_S = 30.0
"""How long a connection may take, whatever the call may."""
_KEPT_S = 30.0
"""How long a connection is kept without a call."""


class Sessions:
    """One client for each event loop; a run has one loop."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._proxies: dict[tuple[str, str], str | None] = {}

    def get(self) -> ClientSession:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._session, self._loop = self._made(), loop
        return self._session

    def proxy_for(self, scheme: str, host: str) -> str | None:
        """The proxy that the environment names for an address; looked up once. BadRequest for one of no known kind."""
        place = (scheme, host)
        if place not in self._proxies:
            try:
                self._proxies[place] = proxy_of(scheme, host)
            except ValueError as error:
                raise BadRequest(str(error)) from None
        return self._proxies[place]

    async def close(self) -> None:
        """Close what was opened; no connection stays."""
        session, self._session = self._session, None
        if session is not None and not session.closed:
            await session.close()

    def _made(self) -> ClientSession:
        """Limits are the engine's, and so is the unpacking; nothing of ``.netrc``, no cookies, no redirects."""
        import aiohttp

        try:
            trusted = trust()
        except OSError as error:
            raise BadRequest(str(error)) from None
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=_KEPT_S, ttl_dns_cache=300, ssl=True if trusted is None else trusted
        )
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            headers={"accept-encoding": "gzip"},
        )
