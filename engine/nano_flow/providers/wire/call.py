"""One call under way: what is known of it when it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol, Self, cast

from nano_flow.core.errors import BadRequest, ConnectionLost, ProviderError, ServerFailed, TimedOut
from nano_flow.core.messages import ChatRequest
from nano_flow.providers.simulated.tokens import count
from nano_flow.providers.transport.events import BEGINNINGS, Events
from nano_flow.providers.transport.exchange import Exchange, unreadable
from nano_flow.providers.transport.unreadable import fault_of, unreadable_reply
from nano_flow.providers.wire.converse import whole_converse
from nano_flow.providers.wire.ending import Ending, announced_in
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw, whole
from nano_flow.providers.wire.stream import Collector
from nano_flow.providers.wire.usage import REPORTS, billed, read_usage


class Hearing(Protocol):
    """A stream being read; what came of it is still there when it breaks."""

    @property
    def collector(self) -> Collector:
        """The pieces so far."""

    def reported(self) -> object:
        """The usage that came from the provider."""


@dataclass(slots=True)
class Progress:
    """A stream of LiteLLM's being read."""

    collector: Collector
    stream: object = None

    def reported(self) -> object:
        """The usage that came from the provider."""
        return reported_usage(self.stream)

    async def read_to_end(self, stream: object, exchange: Exchange) -> Raw:
        """All of the stream, and how the provider said that it ended."""
        self.stream = stream
        ending = Ending(stream)
        await ending.watch()
        spare_generators(stream)
        async for chunk in cast("AsyncIterator[object]", stream):
            self.collector.take(chunk)
        self.collector.usage = reported_usage(stream)
        return self.collector.raw(ending.announced(), refused=exchange.refused)


def spare_generators(stream: object) -> None:
    """LiteLLM begins an iteration of the vendor's stream for every piece, and leaves it to the loop to end it."""
    inner = read(stream, "completion_stream")
    if type(inner).__module__.partition(".")[0] == "openai" and isinstance(inner, AsyncIterator):
        setattr(stream, "completion_stream", _Steadily(inner))  # noqa: B010 - an attribute that no type knows


class _Steadily:
    """The same stream, iterated on itself."""

    def __init__(self, inner: AsyncIterator[object]) -> None:
        self._inner = inner

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> object:
        return await self._inner.__anext__()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def reported_usage(stream: object) -> object:
    """The usage that came from the provider; the one that LiteLLM puts at the end may be its own estimate."""
    for chunk in reversed(sequence(read(stream, "chunks"))):
        usage = read(chunk, "usage")
        if usage is not None:
            return usage
    return None


def unasked(exchange: Exchange, request: ChatRequest) -> Raw:
    """A stream of OpenAI's form that came in place of one piece. ValueError where it is none."""
    text = exchange.text.encode()
    if not exchange.answered or exchange.failure is not None or not text.startswith(BEGINNINGS):
        raise ValueError("no stream of events")
    collector, events = Collector(None, request.max_output_tokens), Events()
    for event in (*events.feed(text), *events.end()):
        collector.take(event)
        collector.usage = read(event, "usage") or collector.usage
    if not collector.begun and collector.finish is None:
        raise ValueError("a stream of events that says nothing")
    return collector.raw(collector.finish)


@dataclass(slots=True)
class Call:
    """A request, what its server did, and what came of the reply; ``progress`` where it is streamed."""

    request: ChatRequest
    exchange: Exchange
    progress: Hearing | None

    @property
    def begun(self) -> bool:
        """Whether something of a streamed reply has come."""
        return self.progress is not None and self.progress.collector.begun

    async def read(self, response: object) -> Raw:
        """The parts of LiteLLM's reply."""
        if isinstance(self.progress, Progress):
            raw = await self.progress.read_to_end(response, self.exchange)
            return raw if raw.finish is not None else self.rescued() or raw
        raw = whole(response)
        reply = self.exchange.reply
        if not reply:
            return raw
        counted = None if REPORTS.isdisjoint(reply) else raw.usage  # LiteLLM would count by itself
        usage = billed(reply) or counted
        return replace(raw, finish=announced_in(reply, raw.finish), usage=usage)

    def rescued(self) -> Raw | None:
        """The parts of a whole reply of OpenAI's form that LiteLLM does not take.

        It wants more than those parts to be as it knows them, events where a stream was asked for and none where not.
        """
        if self.begun:
            return None
        try:
            reply = self.exchange.reply
            read_whole = whole_converse if "stopReason" in reply else whole
            raw = read_whole(reply) if reply else unasked(self.exchange, self.request)
        except (ProviderError, ValueError):
            return None
        if self.progress is not None:
            self.progress.collector.show(raw.text)
            self.progress.collector.end_of_text(raw.text)
        return raw

    def failed(self, error: ProviderError) -> ProviderError:
        """``error`` as it is for this call: what broke off half-way, or cannot be read, may have been billed."""
        if self.begun and self.exchange.told:
            return self.interrupted(error)
        if self.begun and not isinstance(error, TimedOut):
            fault = "" if self.exchange.failure is not None else fault_of(str(error))
            reason = f"a piece of it is {fault}" if fault else str(error)
            broken = ConnectionLost(f"the stream broke: {reason}", status=error.status, maybe_billed=True)
            return self.with_usage(broken)
        if self._unreadable(error):
            return unreadable(f"the reply of {self.request.model} {unreadable_reply(self.exchange, str(error))}")
        return self.with_usage(error)

    def interrupted(self, error: ProviderError) -> ProviderError:
        """``error``, which the provider told of inside of its reply: the class is its own word."""
        error.args = (f"the stream broke: {error}" if self.begun else str(error),)
        error.maybe_billed = True
        return self.with_usage(error)

    def _unreadable(self, error: ProviderError) -> bool:
        """Whether a reply came and stopped a parser; an error that the provider itself tells of is none."""
        exchange = self.exchange
        if not exchange.answered or exchange.failure is not None or exchange.told or error.usage is not None:
            return False
        return isinstance(error, ServerFailed | BadRequest | ConnectionLost)

    def with_usage(self, error: ProviderError) -> ProviderError:
        """What was reported before the end is kept; more than it may have been written."""
        usage = read_usage(self.progress.reported()) if self.progress is not None else None
        if usage is not None and self.progress is not None:
            written = count(self.progress.collector.written)
            usage = replace(usage, output_tokens=max(usage.output_tokens, written - usage.reasoning_tokens))
        error.usage = usage if error.usage is None else error.usage
        return error
