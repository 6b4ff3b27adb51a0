"""A run in front of a person, or of a script: progress, signals, the result, the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.frame.signals import Signals
from nano_flow.core.messages import Json
from nano_flow.operations.runs.starting import (
    Company,
    ResumeOrder,
    RunReport,
    StartOrder,
    lines_for_people,
    lines_of_json,
    resume_run,
    start_run,
)
from nano_flow.ports import EventSink

Tell = Callable[[Options, Mapping[str, Json]], None]
"""Prints what became of a run."""
_GONE = frozenset({signal.SIGTERM, signal.SIGHUP})


def run_file(
    options: Options,
    order: StartOrder,
    *,
    wait: bool = False,
    tell: Tell | None = None,
    sinks: Sequence[EventSink] = (),
) -> int:
    """Run a workflow before ``sinks``, too; print its result, or what ``tell`` makes of it; the exit code."""
    signals = Signals()
    company = _company(options, signals, wait=wait)
    run = start_run(options.place, order, replace(company, sinks=(*company.sinks, *sinks)))
    return _finish(options, signals, run, tell or _tell)


def run_document(options: Options, order: StartOrder) -> int:
    """Run a workflow that is no file. Prints its one answer."""
    signals = Signals()
    run = start_run(options.place, order, _company(options, signals))
    return _finish(options, signals, run, _tell_answer)


def go_on(options: Options, order: ResumeOrder, *, wait: bool = False) -> int:
    """Go on with a run; print its result; the exit code."""
    signals = Signals()
    return _finish(options, signals, resume_run(options.place, order, _company(options, signals, wait=wait)), _tell)


def _company(options: Options, signals: Signals, *, wait: bool = False) -> Company:
    approver = None
    if options.may_ask:
        from nano_flow.cli.asking import TerminalApprover

        approver = TerminalApprover()
    return Company((_sink(options),), approver, signals.attach, signals.tree, options.events, wait=wait)


def _sink(options: Options) -> EventSink:
    if options.events:
        return lines_of_json()
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return lines_for_people(sys.stderr, verbosity=options.verbosity, live=live)


def _finish(options: Options, signals: Signals, run: Coroutine[object, object, RunReport], tell: Tell) -> int:
    report = asyncio.run(run)
    try:
        tell(options, report.document)
        sys.stdout.flush()
    except OSError:
        if signals.received != signal.SIGHUP:
            raise
        output.turn_away()  # whoever would have read it is gone with the terminal
    if signals.received in _GONE and report.end.status == "paused":
        return 128 + signals.received
    return report.exit_code


def _tell(options: Options, document: Mapping[str, Json]) -> None:
    if options.json and not options.events:
        output.document(str(document["schema"]), {k: v for k, v in document.items() if k != "schema"})
    elif not options.events:
        _print(options, document)


def _tell_answer(options: Options, document: Mapping[str, Json]) -> None:
    outputs = document["outputs"]
    if isinstance(outputs, dict) and (options.events or not options.json):
        output.data(output.clean(outputs["answer"]))
        if document["simulated"]:
            output.note("simulated: no model said this", level=-1)
    else:
        _tell(options, document)


def _print(options: Options, document: Mapping[str, Json]) -> None:
    from nano_flow.cli.frame.looks import paint, width
    from nano_flow.views.text import run_text

    output.data(run_text(document, width(), paint, words=options.words))
