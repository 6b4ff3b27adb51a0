"""The connections of a run: one client for all providers that are called directly, made with the first call."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    import ssl

    from aiohttp import ClientSession

_CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name the authorities to trust, the first one that is set counts."""
_CONNECT_S = 30.0
"""How long a connection may take, whatever the call may."""
_KEPT_S = 30.0
"""How long a connection is kept without a call."""


class Sessions:
    """One client for each event loop; a run has one loop."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._proxies: dict[str, str] | None = None

    def get(self) -> ClientSession:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._session, self._loop = self._made(), loop
        return self._session

    def proxy_for(self, scheme: str, host: str) -> str | None:
        """The proxy that the environment names for an address (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``)."""
        if self._proxies is None:
            self._proxies = getproxies()
        proxy = self._proxies.get(scheme) or self._proxies.get("all")
        return proxy if proxy and not proxy_bypass(host) else None

    async def close(self) -> None:
        """Close what was opened; no connection stays."""
        session, self._session = self._session, None
        if session is not None and not session.closed:
            await session.close()

    def _made(self) -> ClientSession:
        """Limits are the engine's, and so is the unpacking; nothing of ``.netrc``, no cookies, no redirects."""
        import aiohttp

        trusted = trust()
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


def trust() -> ssl.SSLContext | None:
    """The authorities that the environment names; None: those of the system."""
    file = next((path for name in _CA_FILES if (path := os.environ.get(name))), None)
    folder = os.environ.get("SSL_CERT_DIR")
    if file is None and folder is None:
        return None
    import ssl

    return ssl.create_default_context(cafile=file, capath=folder)
