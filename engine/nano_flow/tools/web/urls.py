"""The URLs that may be asked for: read strictly, compared with an allow-list of hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote

from nano_flow.core.errors import StepError
from nano_flow.tools.web.addresses import Address, plain, read_address, refusal

PORTS = {"http": 80, "https": 443}
_LONGEST = 8_192
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE = "%/?:@!$&'()*+,;=~-._[]"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes; ``literal`` where the host is an address. ``path`` holds the query too."""

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header says them."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of an allow-list: a host, ``*.host``, ``*``, an address, each perhaps with a port."""

    host: str
    port: int | None
    literal: Address | None

    def fits(self, host: str, port: int) -> bool:
        """Whether a request to ``host`` on ``port`` is meant; without a port the usual two are."""
        if port != self.port if self.port is not None else port not in PORTS.values():
            return False
        return self.host in ("*", host) or (self.host.startswith("*.") and host.endswith(self.host[1:]))


class AllowList:
    """The hosts that a workflow lists. Raises StepError for an entry that is none."""

    def __init__(self, entries: tuple[str, ...]) -> None:
        self._shown = ", ".join(entries) or "nothing"
        self._entries = tuple(_entry(text) for text in entries)

    def check(self, target: Target) -> None:
        """StepError where the host is not listed."""
        if not any(entry.fits(target.host, target.port) for entry in self._entries):
            raise StepError("tool", f'"{target.authority}" is not in the allow-list: {self._shown}')

    def why_not(self, target: Target, address: Address) -> str:
        """Why ``address``, which the host of ``target`` resolved to, is not connected to; empty where it may be."""
        reason = refusal(address)
        listed = any(entry.literal == plain(address) and entry.fits(entry.host, target.port) for entry in self._entries)
        if not reason or listed:
            return ""
        local = target.host == "localhost" and plain(address).is_loopback
        if local and any(entry.host == "localhost" for entry in self._entries):
            return ""
        return reason


def read_target(url: str) -> Target:
    """The parts of ``url``. Raises StepError where it is not a plain http or https URL."""
    if len(url) > _LONGEST:
        raise StepError("tool", f"the URL is longer than {_LONGEST} characters")
    if any(ord(character) <= 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise _refused(url, "holds blanks, backslashes or control characters")
    match = _URL.fullmatch(url)
    if match is None or match["scheme"].lower() not in PORTS:
        raise _refused(url, "is not an http or https URL")
    scheme, authority = match["scheme"].lower(), match["authority"]
    if "@" in authority:
        raise _refused(url, "holds credentials")
    host, port, literal = _host_and_port(authority, url)
    rest = match["rest"]
    path = quote(rest if rest.startswith("/") else f"/{rest}", safe=_SAFE, errors="replace")
    return Target(scheme, host, PORTS[scheme] if port is None else port, path, literal)


def _entry(text: str) -> Allowed:
    wild = "*." if text.startswith("*.") else ""
    if text == "*":
        return Allowed("*", None, None)
    try:
        host, port, literal = _host_and_port(text.removeprefix(wild), text)
    except StepError:
        host, port, literal = "", None, None
    if not host or (wild and literal is not None):
        raise StepError("tool", f'the allow-list of http_get holds "{text}": expected a host such as api.example.com')
    return Allowed(wild + host, port, literal)


def _host_and_port(authority: str, url: str) -> tuple[str, int | None, Address | None]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise _refused(url, "has no host in plain letters, digits, dots and dashes")
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 0 < port < 65_536:
        raise _refused(url, "has a port that does not exist")
    host = match["host"].lower().removesuffix(".")
    if host.startswith("["):
        literal = read_address(host[1:-1])
        if not isinstance(literal, IPv6Address):
            raise _refused(url, "has a host that is no IPv6 address")
        return str(literal), port, plain(literal)
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
        raise _refused(url, "has a host that is no name")
    if _NUMBER.fullmatch(labels[-1]):
        literal = read_address(host)
        if literal is None:  # 0177.0.0.1, 2130706433, 127.1: every library reads them differently
            raise _refused(url, "has a host that is neither a name nor four plain numbers")
        return host, port, literal
    return host, port, None


def _refused(url: str, why: str) -> StepError:
    return StepError("tool", f"{url[:200]!a} {why}")
