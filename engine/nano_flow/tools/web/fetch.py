"""One GET over HTTP/1.1, to exactly the address that was checked; redirects are checked like first requests."""

from __future__ import annotations

import asyncio
import http.client
import io
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from nano_flow.core.errors import StepError
from nano_flow.core.trace import here
from nano_flow.tools.web.addresses import Address, read_address
from nano_flow.tools.web.urls import AllowList, Target, read_target

BODY_CAP = 1_048_576
_HEAD_CAP = 65_536
_REDIRECTS = 5
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_EMPTY = frozenset({204, 304})
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Name and port → addresses."""
Dial = Callable[[str, int, str | None], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Address, port, and the name that TLS must prove (None: no TLS) → a connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; ``cut`` where the body was longer than the cap."""

    url: str
    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes
    cut: bool


@dataclass(frozen=True, slots=True)
class Network:
    """How names are resolved and connections made."""

    resolve: Resolve
    dial: Dial


async def fetch(url: str, allowed: AllowList, network: Network) -> Answer:
    """Follow ``url`` and at most five redirects. Raises StepError."""
    target = read_target(url)
    for _ in range(_REDIRECTS + 1):
        answer = await _ask(target, allowed, network)
        location = answer.headers.get("Location")
        if answer.status not in _REDIRECT or location is None:
            return answer
        target = read_target(_joined(target, location))
    raise StepError("tool", f"{url[:200]!r} was redirected more than {_REDIRECTS} times")


def _joined(target: Target, location: str) -> str:
    try:
        return urljoin(str(target), location)
    except ValueError:  # brackets that are no address
        raise StepError("tool", f"{target.authority} redirects to {location[:200]!a}, which is no URL") from None


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def system_dial(address: str, port: int, name: str | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect; no variable of the environment leads the way elsewhere."""
    if name is None:
        return await asyncio.open_connection(address, port, limit=_HEAD_CAP)
    context = await asyncio.to_thread(ssl.create_default_context)
    return await asyncio.open_connection(address, port, limit=_HEAD_CAP, ssl=context, server_hostname=name)


async def _ask(target: Target, allowed: AllowList, network: Network) -> Answer:
    allowed.check(target)
    addresses = await _checked_addresses(target, allowed, network)
    try:
        reader, writer = await _connect(addresses, target, network)
        try:
            writer.write(_request(target))
            await writer.drain()
            return await _answer(reader, target)
        finally:
            writer.close()
    except EOFError:
        raise StepError("tool", f"{target.authority}: the answer was cut off") from None
    except asyncio.LimitOverrunError:
        raise StepError("tool", f"{target.authority}: the answer has a line or a head without end") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StepError("tool", f"{target.authority}: {said}") from None


async def _checked_addresses(target: Target, allowed: AllowList, network: Network) -> list[Address]:
    """Where the host may be reached: resolved once, and only what was checked is connected to."""
    if target.literal is not None:
        found: list[Address] = [target.literal]
    else:
        try:
            answers = await network.resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise StepError("tool", f'the host "{target.host}" is not known') from None
        found = [address for text in answers if (address := read_address(text)) is not None]
    refused = [why for address in found if (why := allowed.why_not(target, address))]
    good = [address for address in found if not allowed.why_not(target, address)]
    if not good:
        why = f"its address is {refused[0]}; list the address itself to allow it" if refused else "it has no address"
        raise StepError("tool", f'"{target.authority}" is refused: {why}')
    return good


async def _connect(
    addresses: list[Address], target: Target, network: Network
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    name = target.host if target.scheme == "https" else None
    for address in addresses[:-1]:
        try:
            return await network.dial(str(address), target.port, name)
        except OSError:
            continue
    return await network.dial(str(addresses[-1]), target.port, name)


def _request(target: Target) -> bytes:
    trace = here()
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: nano-flow",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        *([f"traceparent: {trace}"] if trace else []),
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


async def _answer(reader: asyncio.StreamReader, target: Target) -> Answer:
    status, reason, headers = await _head(reader)
    while 100 <= status < 200:
        status, reason, headers = await _head(reader)
    if status in _EMPTY:
        return Answer(str(target), status, reason, headers, b"", cut=False)
    if headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise ValueError("the answer is compressed although that was not asked for")
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        body, cut = await _chunks(reader)
    else:
        body, cut = await _plain_body(reader, headers)
    return Answer(str(target), status, reason, headers, body, cut)


async def _head(reader: asyncio.StreamReader) -> tuple[int, str, http.client.HTTPMessage]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    version, _, line = first.decode("latin-1").partition(" ")
    code, _, reason = line.partition(" ")
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit() and len(code) == 3):
        raise ValueError("the answer is not HTTP")
    return int(code), reason, http.client.parse_headers(io.BytesIO(rest))


async def _plain_body(reader: asyncio.StreamReader, headers: http.client.HTTPMessage) -> tuple[bytes, bool]:
    length = headers.get("Content-Length", "").strip()
    if length and not (length.isascii() and length.isdigit()):
        raise ValueError("the answer has a length that is no number")
    wanted = int(length) if length else None
    body = await _up_to(reader, BODY_CAP + 1 if wanted is None else min(wanted, BODY_CAP))
    if wanted is not None and len(body) < min(wanted, BODY_CAP):
        raise EOFError
    return body[:BODY_CAP], len(body) > BODY_CAP or (wanted or 0) > BODY_CAP


async def _chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\n")
        written = line.partition(b";")[0].strip()
        if not _SIZE.fullmatch(written):
            raise ValueError("the answer has a chunk without a size")
        size = int(written, 16)
        if size == 0:
            return bytes(body), False
        chunk = await _up_to(reader, min(size, BODY_CAP + 1 - len(body)))
        body += chunk
        if len(body) > BODY_CAP:
            return bytes(body[:BODY_CAP]), True
        if len(chunk) < size:
            raise EOFError
        await reader.readexactly(2)


async def _up_to(reader: asyncio.StreamReader, most: int) -> bytes:
    body = bytearray()
    while len(body) < most and (part := await reader.read(min(65_536, most - len(body)))):
        body += part
    return bytes(body)
