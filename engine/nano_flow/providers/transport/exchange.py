"""One call's reply on the wire: bounded, unpacked piece by piece; how it begins, if it cannot be read."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from nano_flow.core.errors import ConnectionLost, ModelUnknown, ProviderError, ServerFailed
from nano_flow.core.messages import Json
from nano_flow.providers.vendor import SaidError, VendorError, read_error

_BEGINNING = 400
"""Bytes of a reply that are kept for a message."""
_ERROR_BYTES = 65_536
"""Bytes of an error's body; the rest says nothing more."""
_LEAST_BYTES = 1_048_576
_BYTES_PER_TOKEN = {True: 2_000, False: 64}
"""Of a reply that is streamed (each token may come in a message of its own), and of one in one piece."""
_LEAST_LINES, _LINES_PER_TOKEN = 6_000, 16
"""Of a stream: an event has two or three, and single servers send one for each character."""
_PIECE = 65_536
_EITHER_HEADER = 47
"""What zlib calls: a gzip or a zlib header, whichever is there."""
_ERROR = re.compile(rb'^(?:event:[^\n]*\n)?(?:data:)?\s*\{(?:\s*"type":\s*"error",)?\s*"error":\s*(?=["{])')
_LATE_ERROR = re.compile(rb'(?:^|\n)data:\s*\{(?:\s*"type":\s*"error",)?\s*"error":\s*(?=["{])')
"""The event of an error in the middle of a stream."""
_REFUSAL = re.compile(rb'"refusal":\s*"')
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]+")


def _limit_of(max_output_tokens: int, *, stream: bool) -> int:
    return _LEAST_BYTES + max_output_tokens * _BYTES_PER_TOKEN[stream]


class Exchange:
    """What one call's server did: status, kind and size of its reply, and the error that ended it."""

    late: ClassVar[tuple[type[Exception], ...]] = (TimeoutError,)
    """What a transport raises where nothing came in time."""
    illegible: ClassVar[type[Exception] | None] = None
    """What is raised of a long reply that is no JSON, where a library would look through all of it for seconds."""

    def __init__(self, max_output_tokens: int, *, stream: bool) -> None:
        self._cap = max_output_tokens
        self._limit = _limit_of(max_output_tokens, stream=stream)
        self._lines_left = _LEAST_LINES + max_output_tokens * _LINES_PER_TOKEN
        self._stream = stream
        self._kept = bytearray()
        self._late_error: bytes | None = None
        self.size = 0
        self.status: int | None = None
        self.content_type = ""
        self.headers: Mapping[str, str] = {}
        self.refused = False
        self.failure: Exception | None = None

    @property
    def answered(self) -> bool:
        """Whether the server took the request: what follows may have been billed."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def beginning(self) -> str:
        """The reply's first characters, in one line."""
        return _SPACES.sub(" ", self._kept[:_BEGINNING].decode("utf-8", "replace")).strip()

    @property
    def text(self) -> str:
        """All that was kept of it."""
        return self._kept.decode("utf-8", "replace").strip()

    @property
    def reply(self) -> Mapping[str, Json]:
        """A reply that came in one piece, as its provider wrote it; empty where it cannot be read."""
        return self._parsed() or {} if self.answered and self.failure is None else {}

    @property
    def fault(self) -> str:
        """Why a reply that came in one piece cannot be read, in words; empty where it can, and for streams."""
        try:
            return "" if self._stream or isinstance(json.loads(self._kept), dict) else "no JSON object"
        except RecursionError:
            return "nested too deeply"
        except UnicodeDecodeError:
            return "not valid UTF-8"
        except ValueError:
            return "not valid JSON"

    def _parsed(self) -> Mapping[str, Json] | None:
        try:
            reply = json.loads(self._kept)
        except (ValueError, RecursionError):
            return None
        return reply if isinstance(reply, dict) else None

    @property
    def told(self) -> Json:
        """The error that a provider puts into a reply of status 200; None where it does not."""
        if not self.answered:
            return None
        first = _ERROR.search(self._kept)  # also as the first event of a stream
        said = self._kept[first.end() :] if first else self._late_error
        try:
            return None if said is None else json.JSONDecoder().raw_decode(said.decode("utf-8", "replace"))[0]
        except (ValueError, RecursionError):
            return None

    def seen(self, error: VendorError) -> VendorError:
        """``error`` as the server put it: the status that really came, the words of an error inside of a reply."""
        told = self.told
        if told:
            inner = read_error(told)
            words = inner.message or (told if isinstance(told, str) else json.dumps(told))
            return VendorError(frozenset(), inner.status, words, error.headers, code=inner.code)
        if self.status is None or self.answered:
            return error
        said, coded = self._said()
        if said is not None:
            where = {**error.headers, **self.headers}
            return VendorError(
                frozenset(), self.status, said.message, where, error.causes, f"{said.code} {coded}".strip()
            )
        silent = f"the server answered with status {self.status} and said nothing more"
        return replace(error, status=self.status, message=error.message if self.size else silent)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The server answered."""
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.content_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.content_type == "application/json":
            self._stream = False  # whatever was asked for

    def is_stream(self, stream: bool) -> None:
        """What came turned out to be a stream, or none."""
        if stream and not self._stream:
            self._limit = _limit_of(self._cap, stream=True)
        self._stream = stream

    def _said(self) -> tuple[SaidError | None, str]:
        """The error that the body of a refusal tells of, and the kind that a header names; None where it is no JSON."""
        try:
            said = read_error(json.loads(self._kept)) if self._kept else None
        except (ValueError, RecursionError):
            said = None
        return (said if said is not None and said.message else None), self.headers.get("x-amzn-errortype", "")

    async def bounded(self, stream: AsyncGenerator[bytes, None], *, packed: bool) -> AsyncGenerator[bytes, None]:
        """The pieces of a reply, unpacked, up to the limit."""
        unpack = _unpacker() if packed else _as_it_is
        error_bytes = None if self.answered else _ERROR_BYTES
        try:
            async with aclosing(stream) as parts:  # else a connection whose reply is not read to its end stays open
                async for part in parts:
                    for piece in unpack(part if self.size else part.removeprefix(codecs.BOM_UTF8)):
                        self._take(piece)
                        yield piece
                    if error_bytes is not None and self.size > error_bytes:
                        return
        except self.late:
            raise
        except Exception as error:
            self.failure = self._ended_by(error)
            raise self.failure from error
        if self.illegible is not None and self.answered and not self._stream:
            fault = self.fault if self.size > _ERROR_BYTES else ""
            if fault:
                raise self.illegible(fault)

    def _ended_by(self, error: Exception) -> ProviderError:
        if isinstance(error, ProviderError):
            return error
        if isinstance(error, zlib.error):
            return unreadable("the reply is not packed the way its header says")
        broke = f"the connection broke in the middle of the reply, after {self.size:,} bytes"
        return ConnectionLost(broke, status=self.status, maybe_billed=True)

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        if not self._stream:
            self._kept += piece
        else:
            self._take_events(piece)
        if self.size > self._limit:
            raise unreadable(f"the reply is larger than {self._limit:,} bytes, more than its output cap allows")

    def _take_events(self, piece: bytes) -> None:
        if len(self._kept) < _BEGINNING:
            self._kept += piece[:_BEGINNING]
        self.refused = self.refused or _REFUSAL.search(piece) is not None
        if self._late_error is None and b'"error"' in piece:
            found = _LATE_ERROR.search(piece)
            self._late_error = found and piece[found.end() :]
        self._lines_left -= piece.count(b"\n")
        if self._lines_left < 0:
            raise unreadable("the stream has far more events than its output cap allows, and was stopped")


def before_answer(error: Exception) -> ConnectionLost | None:
    """In words what happened before any status came; None where the error says it itself."""
    raw, text = error if hasattr(error, "request_info") else error.__cause__, str(error)
    if hasattr(raw, "request_info"):  # aiohttp's for what is no HTTP
        first = next(iter(str(getattr(raw, "message", "")).splitlines()), "").rstrip(":")
        return ConnectionLost(f"what listens there does not speak proper HTTP ({first})", maybe_billed=True)
    if text.startswith("<RawResponseMessage") or text == "Server disconnected":
        return ConnectionLost("the server closed the connection before it had answered", maybe_billed=True)
    return None


def redirected(asked: object, to: str, status: int) -> ProviderError:
    """A redirect is not followed: the key would go to an address that nobody configured."""
    message = f"{asked} redirects to {to[:200] or 'nowhere'}, which is not followed: check the base_url"
    return ModelUnknown(message, status=status)


def unreadable(message: str) -> ServerFailed:
    """A reply came that cannot be read; it may have been billed."""
    error = ServerFailed(message)
    error.maybe_billed = True
    return error


def _as_it_is(part: bytes) -> Iterator[bytes]:
    yield part


def _unpacker() -> Callable[[bytes], Iterator[bytes]]:
    """Unpacks piece by piece, so that a small reply cannot become a large one unnoticed."""
    inflater = zlib.decompressobj(_EITHER_HEADER)

    def unpack(part: bytes) -> Iterator[bytes]:
        while part:
            yield inflater.decompress(part, _PIECE)
            part = inflater.unconsumed_tail

    return unpack
