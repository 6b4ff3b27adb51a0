"""One call on the wire: a single request, a bounded reply, no redirects; how the reply begins, if it cannot be read.

LiteLLM's transport would follow a redirect with the key, repeat a request whose connection was reset (it may have been
paid), unpack and keep a reply of any size, and forget what went wrong.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace

import httpx

from nano_flow.core.errors import ConnectionLost, ModelUnknown, ProviderError, ServerFailed
from nano_flow.core.messages import Json
from nano_flow.providers.vendor import VendorError

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
_REFUSAL = re.compile(rb'"refusal":\s*"')
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]+")

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Exchange:
    """What one call's server did: status, kind and size of its reply, and the error that ended it."""

    def __init__(self, max_output_tokens: int, *, stream: bool) -> None:
        self._limit = _LEAST_BYTES + max_output_tokens * _BYTES_PER_TOKEN[stream]
        self._lines_left = _LEAST_LINES + max_output_tokens * _LINES_PER_TOKEN
        self._stream = stream
        self._kept = bytearray()
        self._asked: httpx.URL | None = None
        self._body: httpx.AsyncByteStream | None = None
        self.size = 0
        self.status: int | None = None
        self.content_type = ""
        self.refused = False
        self.failure: Exception | None = None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Exchange]:
        """Inside the block, requests of this task go through here; after it, a reply is let go, read or not."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)
            if self._body is not None:  # LiteLLM drops a stream that it cannot read, and the connection with it
                with suppress(httpx.HTTPError, OSError, RuntimeError):
                    await self._body.aclose()

    @property
    def answered(self) -> bool:
        """Whether the server took the request: what follows may have been billed."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def beginning(self) -> str:
        """The reply's first characters, in one line."""
        return _SPACES.sub(" ", self._kept[:_BEGINNING].decode("utf-8", "replace")).strip()

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
        said = _ERROR.search(self._kept)  # also as the first event of a stream
        try:
            return (
                json.JSONDecoder().raw_decode(self._kept[said.end() :].decode("utf-8", "replace"))[0] if said else None
            )
        except (ValueError, RecursionError):
            return None

    def seen(self, error: VendorError) -> VendorError:
        """``error`` as the server put it: the status that really came, the words of an error inside of a reply."""
        told = self.told
        if told:
            code = told.get("code") or told.get("status") if isinstance(told, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else None
            words = told if isinstance(told, str) else json.dumps(told)
            return VendorError(frozenset(), status, words, error.headers)
        if self.status is None or self.answered:
            return error
        silent = f"the server answered with status {self.status} and said nothing more"
        return replace(error, status=self.status, message=error.message if self.size else silent)

    async def send(self, send: Send, request: httpx.Request) -> httpx.Response:
        """Send the one request of this call."""
        if self.failure is not None:
            raise _not_again(self.failure)
        if request.url == self._asked:  # LiteLLM's own retries, which a program around the engine may have set
            raise httpx.ReadError("the request is not sent again")
        self._asked = request.url
        request.headers["accept-encoding"] = "gzip"
        try:
            response = await send(request)
        except httpx.TimeoutException:
            raise
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self.failure = _said_in_words(error)
            raise (_not_again(error) if _would_be_repeated(error) else error) from error
        self.status = response.status_code
        self.content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.content_type == "application/json":
            self._stream = False  # whatever was asked for
        if response.is_redirect:
            await response.aclose()
            self.failure = redirected(response, request.url)
            raise self.failure
        response.stream = self._body = _Bounded(self, response)
        return response

    async def bounded(self, stream: AsyncGenerator[bytes, None], *, packed: bool) -> AsyncIterator[bytes]:
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
        except httpx.TimeoutException:
            raise
        except Exception as error:
            self.failure = self._ended_by(error)
            raise self.failure from error
        if self.answered and not self._stream and self.size > _ERROR_BYTES and self.fault:
            raise httpx.DecodingError(self.fault)  # LiteLLM looks through all of it for seconds

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
        self._lines_left -= piece.count(b"\n")
        if self._lines_left < 0:
            raise unreadable("the stream has far more events than its output cap allows, and was stopped")


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def guard(transport: type[httpx.AsyncBaseTransport]) -> None:
    """Let ``transport``, a class of httpx's kind, send the requests of a call through its exchange."""
    send = transport.handle_async_request
    if getattr(send, "guarded", False):
        return

    async def handle_async_request(self: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        exchange = _current.get()
        response: httpx.Response = await (
            send(self, request) if exchange is None else exchange.send(lambda request: send(self, request), request)
        )
        return response

    handle_async_request.guarded = True  # type: ignore[attr-defined]
    transport.handle_async_request = handle_async_request  # type: ignore[method-assign]


def redirected(response: httpx.Response, asked: httpx.URL) -> ProviderError:
    """A redirect is not followed: the key would go to an address that nobody configured."""
    to = response.headers.get("location", "")[:200]
    message = f"{asked} redirects to {to or 'nowhere'}, which is not followed: check the base_url"
    return ModelUnknown(message, status=response.status_code)


def unreadable(message: str) -> ServerFailed:
    """A reply came that cannot be read; it may have been billed."""
    error = ServerFailed(message)
    error.maybe_billed = True
    return error


def _said_in_words(error: Exception) -> Exception:
    """``error``, which came before any status, so that a reader knows what the server did."""
    raw, text = error.__cause__, str(error)
    if hasattr(raw, "request_info"):  # aiohttp's for what is no HTTP
        first = next(iter(str(getattr(raw, "message", "")).splitlines()), "").rstrip(":")
        return ConnectionLost(f"what listens there does not speak proper HTTP ({first})", maybe_billed=True)
    if text.startswith("<RawResponseMessage") or text == "Server disconnected":
        return ConnectionLost("the server closed the connection before it had answered", maybe_billed=True)
    return error


def _would_be_repeated(error: Exception) -> bool:
    """LiteLLM sends the request again after these."""
    return isinstance(error, httpx.ConnectError | httpx.RemoteProtocolError)


def _not_again(error: Exception) -> Exception:
    return httpx.ReadError(str(error))


class _Bounded(httpx.AsyncByteStream):
    """A reply's body as the exchange lets it pass."""

    def __init__(self, exchange: Exchange, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._exchange = exchange
        self._inner = response.stream
        coding = response.headers.pop("content-encoding", "identity").strip().lower()
        self._packed = coding in ("gzip", "x-gzip", "deflate")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._exchange.bounded(_pieces(self._inner), packed=self._packed)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _pieces(stream: httpx.AsyncByteStream) -> AsyncGenerator[bytes, None]:
    parts = aiter(stream)
    try:
        async for part in parts:
            yield part
    finally:
        close = getattr(parts, "aclose", None)
        if close is not None:
            await close()


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
