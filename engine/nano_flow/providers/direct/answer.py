"""One reply as it comes: how it begins tells whether it is a stream, whatever was asked and whatever it is called."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.errors import ServerFailed
from nano_flow.core.messages import Json
from nano_flow.providers.direct.dialect import Reader
from nano_flow.providers.transport.events import BEGINNINGS, Events
from nano_flow.providers.transport.exchange import Exchange
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector


class Answer(Exchange):
    """An exchange without a library between."""

    def __init__(self, max_output_tokens: int, *, stream: bool) -> None:
        super().__init__(max_output_tokens, stream=stream)
        self._seen = False

    @property
    def streams(self) -> bool:
        """Whether it is a stream of events."""
        return self._stream

    def _take(self, piece: bytes) -> None:
        beginning = b"" if self._seen else piece.lstrip()
        if beginning:
            self._seen = True
            self.is_stream(self.answered and beginning.startswith(BEGINNINGS))
        super()._take(piece)

    def whole(self) -> Mapping[str, Json]:
        """A reply that came in one piece. ServerFailed where it is no JSON object."""
        reply = self.reply
        if not reply:
            raise ServerFailed("the reply holds nothing")
        return reply


class Heard:
    """A stream being read."""

    def __init__(self, collector: Collector, reader: Reader) -> None:
        self.collector = collector
        self._reader = reader
        self._events = Events()

    @property
    def over(self) -> bool:
        """Whether the provider said that nothing more comes."""
        return self._events.done or self._reader.over

    def feed(self, piece: bytes) -> None:
        """Take a piece. Told or ValueError where it holds an error, or no JSON."""
        for event in self._events.feed(piece):
            self._take(event)

    def raw(self) -> Raw:
        """The parts of the reply, as far as they came."""
        for event in self._events.end():
            self._take(event)
        self.collector.usage = self._reader.usage
        return self.collector.raw(self._reader.announced)

    def reported(self) -> object:
        """The usage that the provider has reported so far."""
        return self._reader.usage

    def _take(self, event: Json) -> None:
        if isinstance(event, dict):
            self._reader.take(event)
