"""What Ctrl-C, SIGTERM and a lost terminal do to a run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from nano_flow.operations.runs.starting import Control, ProcessTree, Stop

_SENT_TWICE_S = 0.25
"""A wrapper such as ``timeout`` signals its child, then its group: one wish that arrives as two signals."""


class Signals:
    """Turns Ctrl-C, SIGTERM and a lost terminal (SIGHUP) into an order to stop: the run can be resumed.

    A SIGHUP that was ignored when we were started (``nohup``) stays ignored. The second signal does not wait for what
    is being stopped: it kills all that the run started, and ends the process.
    """

    def __init__(self) -> None:
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._numbers = (signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,)))
        self.received: signal.Signals | None = None
        self.tree = ProcessTree(adopt=True)
        self._received_at = 0.0

    def attach(self, control: Control) -> None:
        """Listen for the run of ``control``."""
        loop = asyncio.get_running_loop()
        for number in self._numbers:
            loop.add_signal_handler(number, self._take, number, control)

    def _take(self, number: signal.Signals, control: Control) -> None:
        self.received, self._received_at = number, time.monotonic()
        loop = asyncio.get_running_loop()
        for other in self._numbers:
            loop.remove_signal_handler(other)
            signal.signal(other, self._end_at_once)
        with suppress(OSError, ValueError):
            sys.stderr.write(f"\n{number.name}: what runs is stopped and written down; once more ends it at once\n")
            sys.stderr.flush()
        control.order_now(Stop("interrupt", "", f"stopped by {number.name}", pause=True))

    def _end_at_once(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._received_at < _SENT_TWICE_S:
            return
        for other in self._numbers:
            signal.signal(other, signal.SIG_IGN)
        self.tree.end_all()
        os._exit(128 + number)
