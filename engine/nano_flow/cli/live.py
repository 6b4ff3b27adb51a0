"""A run in front of a person, or of a script: progress, signals, the result, the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from types import FrameType

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.messages import Json
from nano_flow.operations.runs.starting import (
    Company,
    Control,
    ProcessTree,
    ResumeOrder,
    RunReport,
    StartOrder,
    Stop,
    lines_for_people,
    lines_of_json,
    resume_run,
    start_run,
)
from nano_flow.ports import EventSink

_GONE = frozenset({signal.SIGTERM, signal.SIGHUP})
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
        control.order_now(Stop("interrupt", "", f"stopped by {number.name}", pause=True))

    def _end_at_once(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._received_at < _SENT_TWICE_S:
            return
        for other in self._numbers:
            signal.signal(other, signal.SIG_IGN)
        self.tree.end_all()
        os._exit(128 + number)


def run_file(options: Options, order: StartOrder, *, wait: bool = False) -> int:
    """Run a workflow; print its result; the exit code."""
    signals = Signals()
    return _finish(options, signals, start_run(options.place, order, _company(options, signals, wait=wait)))


def run_document(options: Options, order: StartOrder) -> int:
    """Run a workflow that is no file. Prints its one answer."""
    signals = Signals()
    run = start_run(options.place, order, _company(options, signals))
    return _finish(options, signals, run, answer_only=True)


def go_on(options: Options, order: ResumeOrder, *, wait: bool = False) -> int:
    """Go on with a run; print its result; the exit code."""
    signals = Signals()
    return _finish(options, signals, resume_run(options.place, order, _company(options, signals, wait=wait)))


def _company(options: Options, signals: Signals, *, wait: bool = False) -> Company:
    approver = None
    if options.may_ask:
        from nano_flow.cli.asking import TerminalApprover

        approver = TerminalApprover()
    return Company((_sink(options),), approver, signals.attach, signals.tree, options.events, wait)


def _sink(options: Options) -> EventSink:
    if options.events:
        return lines_of_json()
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return lines_for_people(sys.stderr, verbosity=options.verbosity, live=live)


def _finish(
    options: Options, signals: Signals, run: Coroutine[object, object, RunReport], *, answer_only: bool = False
) -> int:
    report = asyncio.run(run)
    try:
        _tell(options, report.document, answer_only=answer_only)
        sys.stdout.flush()
    except OSError:
        if signals.received != signal.SIGHUP:
            raise
        output.turn_away()  # whoever would have read it is gone with the terminal
    if signals.received in _GONE and report.end.status == "paused":
        return 128 + signals.received
    return report.exit_code


def _tell(options: Options, document: Mapping[str, Json], *, answer_only: bool) -> None:
    outputs = document["outputs"]
    if options.json and not options.events:
        output.document(str(document["schema"]), {k: v for k, v in document.items() if k != "schema"})
    elif answer_only and isinstance(outputs, dict):
        output.data(output.clean(outputs["answer"]))
    elif not options.events:
        _print(document)


def _print(document: Mapping[str, Json]) -> None:
    from nano_flow.cli.history.reading import paint, width
    from nano_flow.views.text import run_text

    output.data(run_text(document, width(), paint))
