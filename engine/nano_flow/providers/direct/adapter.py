"""Serves model calls directly: one request, one bounded reply, read as it comes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nano_flow.core.errors import BadRequest, ProviderError, TimedOut
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.redact import Redactor
from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint, ModelFacts, streams
from nano_flow.providers.direct.answer import Answer, Heard
from nano_flow.providers.direct.dialect import Body, Dialect, Target, Told, error_in
from nano_flow.providers.direct.failures import broken, late, refused
from nano_flow.providers.direct.languages import language_of
from nano_flow.providers.direct.session import Sessions
from nano_flow.providers.direct.tokens import Tokens, tokens_of
from nano_flow.providers.errors import translate
from nano_flow.providers.transport.exchange import redirected
from nano_flow.providers.vendor import without_keys
from nano_flow.providers.wire.advice import advice
from nano_flow.providers.wire.arguments import Prepared, compose, extra
from nano_flow.providers.wire.call import Call
from nano_flow.providers.wire.reply import Raw, finished
from nano_flow.providers.wire.stream import Collector

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_LONGEST_S = 600.0
"""How long a call may take where nobody says."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One call under way."""

    request: ChatRequest
    dialect: Dialect
    prepared: Prepared
    answer: Answer
    heard: Heard
    stream: bool


class DirectProvider:
    """One provider whose language is spoken here."""

    def __init__(self, endpoint: Endpoint, clock: Clock, sessions: Sessions) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._sessions = sessions
        self._redactor = Redactor(endpoint.secrets)
        self._tokens = tokens_of(endpoint, language_of(endpoint).service, clock)
        import aiohttp

        self._broken: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError, ValueError, RecursionError, Told)

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request, streamed where the model's card says so; ``on_text`` hears the text as it comes."""
        card = self._endpoint.model(request.model)
        stream, dialect = streams(card), language_of(self._endpoint, card)
        prepared = compose(request, self._endpoint, dialect.service)
        collector = Collector(on_text, request.max_output_tokens)
        heard = Heard(collector, dialect.reader(collector))
        answer = Answer(request.max_output_tokens, stream=stream)
        call = Call(request, answer, heard)
        limit = _LONGEST_S if request.timeout_s is None else request.timeout_s
        try:
            async with self._clock.timeout(limit):
                raw = await self._sent(Sending(request, dialect, prepared, answer, heard, stream))
            return finished(raw, request, prepared, self._endpoint.name)
        except TimeoutError as error:
            over = TimedOut(f"{request.model} did not answer within {limit:g} s")
            raise self._told(late(error, over), call) from None
        except ProviderError as error:
            raise self._told(error, call) from None
        except self._broken as error:
            failed = broken(error, call, self._clock.now())
            raise self._told(failed, call, kept=isinstance(error, Told)) from None

    async def _sent(self, sending: Sending) -> Raw:
        card, dialect = self._endpoint.model(sending.request.model), sending.dialect
        if self._tokens is not None:
            await self._renew(self._tokens)
        target = self._target(dialect, card, stream=sending.stream)
        body = {**dialect.body(sending.prepared, card, stream=sending.stream), **extra(sending.request)}
        payload = encoded(body)
        wanted = {"content-type": "application/json", **dialect.wants(body)}
        headers = {**wanted, **target.headers, **self._endpoint.headers}
        address = urlsplit(target.url)
        proxy = self._sessions.proxy_for(address.scheme, address.hostname or "")
        async with self._sessions.get().post(
            target.url, data=payload, headers=headers, allow_redirects=False, proxy=proxy
        ) as response:
            return await self._read(response, sending)

    async def _renew(self, tokens: Tokens) -> None:
        """Put the token that is in force among the parts of the endpoint, and among what no message may show."""
        token = await tokens.bearer()
        if token != self._endpoint.part("token"):
            project = self._endpoint.part("project") or tokens.project
            parts = {**self._endpoint.parts, "token": token, "project": project}
            self._endpoint = replace(self._endpoint, parts=parts)
            self._redactor = Redactor([*self._endpoint.secrets, token])

    def _target(self, dialect: Dialect, card: ModelFacts, *, stream: bool) -> Target:
        try:
            target = dialect.target(self._endpoint, card, stream=stream)
            address = urlsplit(target.url)
            if address.scheme in ("http", "https") and address.hostname:
                return target
        except ValueError:
            pass
        base = self._endpoint.address
        raise BadRequest(
            f'"{base}" is no address of "{self._endpoint.name}": expected http:// or https:// as its base_url'
        )

    async def _read(self, response: ClientResponse, sending: Sending) -> Raw:
        exchange, heard = sending.answer, sending.heard
        exchange.begin(response.status, response.headers)
        if 300 <= response.status < 400:
            raise redirected(response.url, response.headers.get("location", ""), response.status)
        packed = response.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
        async with aclosing(exchange.bounded(_parts(response), packed=packed)) as pieces:
            async for piece in pieces:
                if exchange.streams:
                    heard.feed(piece)
                    if heard.over:
                        break
        if not exchange.answered:
            raise translate(exchange.seen(refused(exchange)), self._clock.now())
        return heard.raw() if exchange.streams else self._whole(sending.dialect, exchange, heard)

    def _whole(self, dialect: Dialect, exchange: Answer, heard: Heard) -> Raw:
        """A reply that came in one piece, also where a stream was asked for."""
        reply = exchange.whole()
        if (error := error_in(reply)) is not None:
            raise Told(error)
        raw = dialect.whole(reply)
        raw = raw if raw.finish else replace(raw, finish="stop")  # one piece that says nothing of its end is whole
        heard.collector.show(raw.text)
        heard.collector.end_of_text(raw.text)
        return raw

    def _told(self, error: ProviderError, call: Call, *, kept: bool = False) -> ProviderError:
        """The error of a call; ``kept``: its class is the provider's own word, also in the middle of a stream."""
        failed = call.interrupted(error) if kept else call.failed(error)
        hint = advice(failed, self._endpoint, call.request.model)
        message = f"{str(failed).removesuffix('.')}; {hint}" if hint else str(failed)
        failed.args = (without_keys(self._redactor.text(message)),)
        return failed

    async def close(self) -> None:
        """The connections are the run's, which closes them."""


def encoded(body: Body) -> bytes:
    """A call as it is sent. Halves of characters, which no server takes, are replaced."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


async def _parts(response: ClientResponse) -> AsyncGenerator[bytes, None]:
    async for part in response.content.iter_any():
        yield part
