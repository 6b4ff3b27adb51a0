"""Every event as one JSON object on one line, at once: ``--json=events``."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO

from nano_flow.core.events import Event, PromptSent
from nano_flow.core.shown.event_json import event_json, json_text


class JsonLinesSink:
    """Writes ``nano-flow/event@1`` objects to ``stream``; a reader who leaves early does not stop the run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def handle(self, event: Event) -> None:
        """Write one event and flush."""
        if self._stream is None or isinstance(event, PromptSent):  # what was asked stays in the store
            return
        line = json_text(dict(event_json(event))) + "\n"
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            self._let_go(self._stream)

    def close(self) -> None:
        """The run is over; the stream belongs to the caller."""
        self._stream = None

    def _let_go(self, stream: TextIO) -> None:
        """Nobody reads any more: what is still in the buffer must not fail when the interpreter ends."""
        self._stream = None
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
