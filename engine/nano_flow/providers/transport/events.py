"""Server-sent events out of the pieces of a reply."""

from __future__ import annotations

import json
from collections.abc import Iterator

from nano_flow.core.messages import Json

DONE = b"[DONE]"
BEGINNINGS = (b"data", b"event", b"id:", b"retry", b":")
"""How a stream of events begins."""


class Events:
    """Takes the pieces of a stream as they come; gives the JSON of each event. ``done`` once the server said so."""

    def __init__(self) -> None:
        self._rest = b""
        self._open: list[bytes] = []
        self.done = False

    def feed(self, piece: bytes) -> Iterator[Json]:
        """The events that are whole with ``piece``. ValueError for one that is no JSON."""
        lines = (self._rest + piece).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""  # its \n may still come
        for line in lines:
            if self.done:
                return
            yield from self._take(line)

    def end(self) -> Iterator[Json]:
        """What came without a last line break."""
        rest, self._rest = self._rest, b""
        if rest and not self.done:
            yield from self._take(rest)
        if self._open:
            yield self._parsed()

    def _take(self, line: bytes) -> Iterator[Json]:
        """One line: data is read as soon as it is whole, for some servers put no empty line after an event."""
        line = line.strip(b"\r\n")
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data == DONE:
                self.done = True
            elif data or self._open:
                self._open.append(data)
                yield from self._whole()
        elif self._open and not line.strip():
            yield self._parsed()

    def _whole(self) -> Iterator[Json]:
        try:
            value: Json = json.loads(b"\n".join(self._open))
        except ValueError:
            return  # goes on in the next line, or is none
        self._open.clear()
        yield value

    def _parsed(self) -> Json:
        """The event whose lines are over. ValueError where they are no JSON."""
        text = b"\n".join(self._open)
        self._open.clear()
        value: Json = json.loads(text)
        return value
