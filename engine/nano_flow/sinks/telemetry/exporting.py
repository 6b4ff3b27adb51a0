"""Finished spans on their way out: beside the run, bounded, and never in its way."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

QUEUED_AT_MOST = 50_000
BATCH = 512
PAUSE_S = 0.5
CLOSE_WAITS_S = 2.0
FAILURES_AT_MOST = 3


class ExportBeside(SpanProcessor):
    """Hands spans to ``exporter`` in a thread of its own.

    A receiver that is slow fills a queue and then loses spans; one that fails three times in a row is given up; the
    end of a run waits for it at most ``CLOSE_WAITS_S``. Each of these is told once, through ``tell``.
    """

    def __init__(self, exporter: SpanExporter, tell: Callable[[str], None]) -> None:
        self._exporter = exporter
        self._tell = tell
        self._queue: deque[ReadableSpan] = deque()
        self._lost = 0
        self._failures = 0
        self._given_up = False
        self._over = False
        self._wake = threading.Event()
        # The SDK logs each failed attempt; a reader of a run is told once, by us.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        logging.getLogger("opentelemetry").propagate = False
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Only finished spans matter."""

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span for the thread; costs one append."""
        if self._given_up:
            return
        if len(self._queue) >= QUEUED_AT_MOST:
            self._lost += 1
            return
        self._queue.append(span)
        if len(self._queue) >= BATCH:
            self._wake.set()

    def shutdown(self) -> None:
        """Send what is left, within the bound; a receiver that hangs is left behind with the daemon thread."""
        self._over = True
        self._wake.set()
        self._thread.join(CLOSE_WAITS_S)
        if self._thread.is_alive():
            self._give_up(f"the receiver of traces did not take the last spans within {CLOSE_WAITS_S:g} s")
        elif self._lost:
            self._tell(f"{self._lost} spans were lost: the receiver of traces is slower than the run")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """True once nothing is queued."""
        until = time.monotonic() + timeout_millis / 1000
        while self._queue and not self._given_up and time.monotonic() < until:
            self._wake.set()
            time.sleep(0.01)
        return not self._queue

    def _run(self) -> None:
        while not (self._over and not self._queue) and not self._given_up:
            self._wake.wait(PAUSE_S)
            self._wake.clear()
            while self._queue and not self._given_up:
                self._send([self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))])

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception:
            sent = False
        self._failures = 0 if sent else self._failures + 1
        # At the end there is no time for a second try.
        if not sent and (self._over or self._failures >= FAILURES_AT_MOST):
            self._give_up("the receiver of traces does not take spans; the run goes on without them")

    def _give_up(self, why: str) -> None:
        if not self._given_up:
            self._given_up = True
            self._queue.clear()
            self._tell(why)
