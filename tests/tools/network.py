"""A network without a network: names, addresses and servers of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from nano_flow.tools.web.fetch import Network

PUBLIC = "93.184.216.34"


class Wire:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeNetwork:
    """``names``: host → addresses, one list for each time it is asked; ``answers``: what servers say, in order."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    answers: list[bytes] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int, str | None]] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    silent: bool = False

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        known = self.names.get(host, [[PUBLIC]])
        return known.pop(0) if len(known) > 1 else known[0]

    async def dial(self, address: str, port: int, name: str | None) -> tuple[asyncio.StreamReader, Wire]:
        if address in self.refusing:
            raise ConnectionRefusedError(111, "Connection refused")
        self.dialled.append((address, port, name))
        reader = asyncio.StreamReader(limit=65_536)
        if not self.silent:
            reader.feed_data(self.answers.pop(0))
            reader.feed_eof()
        self.wires.append(Wire())
        return reader, self.wires[-1]

    def network(self) -> Network:
        return Network(self.resolve, self.dial)  # type: ignore[arg-type]


def answer(body: bytes | str = b"hello", status: str = "200 OK", headers: Iterable[str] = ()) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    given = list(headers)
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in given):
        given.append(f"Content-Length: {len(data)}")
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *given, "")).encode() + data


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, [f"Location: {location}"])
