"""LiteLLM's calls on the wire: a single request with declared credentials only, a bounded reply, no redirects.

LiteLLM's transport would follow a redirect with the key, repeat a request whose connection was reset (it may have been
paid), unpack and keep a reply of any size, and forget what went wrong.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar

import httpx

from nano_flow.core.errors import ProviderError
from nano_flow.providers.transport.declared import Declared
from nano_flow.providers.transport.exchange import Exchange, before_answer, redirected

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Watched(Exchange):
    """An exchange that goes through httpx."""

    late = (httpx.TimeoutException,)
    illegible = httpx.DecodingError

    def __init__(self, max_output_tokens: int, declared: Declared | None = None, *, stream: bool) -> None:
        super().__init__(max_output_tokens, stream=stream)
        self._declared = declared
        self._asked: httpx.URL | None = None
        self._body: httpx.AsyncByteStream | None = None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Watched]:
        """Inside the block, requests of this task go through here; after it, a reply is let go, read or not."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)
            if self._body is not None:  # LiteLLM drops a stream that it cannot read, and the connection with it
                with suppress(httpx.HTTPError, OSError, RuntimeError):
                    await self._body.aclose()

    async def send(self, send: Send, request: httpx.Request) -> httpx.Response:
        """Send the one request of this call."""
        if self.failure is not None:
            raise _not_again(self.failure)
        if request.url == self._asked:  # LiteLLM's own retries, which a program around the engine may have set
            raise httpx.ReadError("the request is not sent again")
        self._asked = request.url
        self._allow(request)
        request.headers["accept-encoding"] = "gzip"
        try:
            response = await send(request)
        except httpx.TimeoutException:
            raise
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self.failure = before_answer(error) or error
            raise (_not_again(error) if _would_be_repeated(error) else error) from error
        self.begin(response.status_code, response.headers)
        if response.is_redirect:
            await response.aclose()
            self.failure = redirected(request.url, response.headers.get("location", ""), response.status_code)
            raise self.failure
        response.stream = self._body = _Bounded(self, response)
        return response

    def _allow(self, request: httpx.Request) -> None:
        if self._declared is not None:
            try:
                self._declared.check(request.headers, request.url.query.decode("ascii", "replace"))
            except ProviderError as error:
                self.failure = error
                raise _not_again(error) from error


_current: ContextVar[Watched | None] = ContextVar("exchange", default=None)


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
        self._passing: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._passing = self._exchange.bounded(_pieces(self._inner), packed=self._packed)
        return self._passing

    async def aclose(self) -> None:
        # Who stops reading before the end (a stream says [DONE] and goes on) leaves a generator that nobody closes.
        if self._passing is not None:
            await self._passing.aclose()
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
