"""Where a request may come from: the names under which the server is known, and pages of its own."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OWN_SITES = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Origins:
    """``host`` and ``port`` that the server listens on."""

    host: str
    port: int

    def fault(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is refused, in words; None where it may come in.

        A page of another name that leads to this machine (DNS rebinding) sends its own name as Host; a page of another
        site that posts a form sends its own Origin.
        """
        host = headers.get("host", "")
        if not self._is_known(host):
            return "this server is not known under that name"
        origin = headers.get("origin")
        if origin is not None and _authority(origin) != host:
            return "requests of other sites are refused"
        if method not in ("GET", "HEAD") and origin is None and headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            return "requests of other sites are refused"
        return None

    def _is_known(self, authority: str) -> bool:
        try:
            parts = urlsplit(f"//{authority}")
            name, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if port is not None and port != self.port:
            return False
        if name in _LOOPBACK or name == self.host:
            return True
        # Rebinding needs a name: an address in figures is always the one that was asked for.
        return self.host not in _LOOPBACK and (_is_address(name) or name in (socket.gethostname(), socket.getfqdn()))


def is_loopback(host: str) -> bool:
    """True for the names of this machine that no other machine can reach."""
    return host in _LOOPBACK


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
