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

_TERMINATED = 143
_SENT_TWICE_S = 0.25
"""A wrapper such as ``timeout`` signals its child, then its group: one wish that arrives as two signals."""


class Signals:
    """Turns Ctrl-C and SIGTERM into an order to stop: the state is kept, the run can be resumed.

    The second signal does not wait for what is being stopped: it kills all that the run started, and ends the process.
    """

    _NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.tree = ProcessTree(adopt=True)
        self._received_at = 0.0

    def attach(self, control: Control) -> None:
        """Listen for the run of ``control``."""
        loop = asyncio.get_running_loop()
        for number in self._NUMBERS:
            loop.add_signal_handler(number, self._take, number, control)

    def _take(self, number: signal.Signals, control: Control) -> None:
        self.received, self._received_at = number, time.monotonic()
        loop = asyncio.get_running_loop()
        for other in self._NUMBERS:
            loop.remove_signal_handler(other)
            signal.signal(other, self._end_at_once)
        control.order_now(Stop("interrupt", "", f"stopped by {number.name}", pause=True))

    def _end_at_once(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._received_at < _SENT_TWICE_S:
            return
        for other in self._NUMBERS:
            signal.signal(other, signal.SIG_IGN)
        self.tree.end_all()
        os._exit(128 + number)


def run_file(options: Options, order: StartOrder) -> int:
    """Run a workflow; print its result; the exit code."""
    signals = Signals()
    return _finish(options, signals, start_run(options.place, order, _company(options, signals)))


def run_document(options: Options, order: StartOrder) -> int:
    """Run a workflow that is no file. Prints its one answer."""
    signals = Signals()
    run = start_run(options.place, order, _company(options, signals))
    return _finish(options, signals, run, answer_only=True)


def go_on(options: Options, order: ResumeOrder) -> int:
    """Go on with a run; print its result; the exit code."""
    signals = Signals()
    return _finish(options, signals, resume_run(options.place, order, _company(options, signals)))


def _company(options: Options, signals: Signals) -> Company:
    approver = None
    if options.may_ask:
        from nano_flow.cli.asking import TerminalApprover

        approver = TerminalApprover()
    return Company((_sink(options),), approver, signals.attach, signals.tree, options.events)


def _sink(options: Options) -> EventSink:
    if options.events:
        return lines_of_json()
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return lines_for_people(sys.stderr, verbosity=options.verbosity, live=live)


def _finish(
    options: Options, signals: Signals, run: Coroutine[object, object, RunReport], *, answer_only: bool = False
) -> int:
    report = asyncio.run(run)
    outputs = report.document["outputs"]
    if options.json and not options.events:
        output.document(str(report.document["schema"]), {k: v for k, v in report.document.items() if k != "schema"})
    elif answer_only and isinstance(outputs, dict):
        output.data(output.clean(outputs["answer"]))
    elif not options.events:
        _print(report.document)
    return _TERMINATED if signals.received == signal.SIGTERM and report.end.status == "paused" else report.exit_code


def _print(document: Mapping[str, Json]) -> None:
    from nano_flow.cli.history.reading import paint, width
    from nano_flow.views.text import run_text

    output.data(run_text(document, width(), paint))
