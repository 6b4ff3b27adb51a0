"""``nano-flow resume --due``: one line a run, made for cron."""

from __future__ import annotations

import asyncio
import sys

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.frame.signals import Signals
from nano_flow.operations.runs.due import due_runs, go_on_with
from nano_flow.operations.runs.starting import Company, lines_for_people


def go_on_with_all_that_are_due(options: Options) -> int:
    """Go on with each, one after the other; 1 where one failed. A run that is refused is named and left."""
    ended = []
    for run in due_runs(options.place):
        signals = Signals()
        sink = lines_for_people(sys.stderr, verbosity=min(options.verbosity, -1), live=False)
        done = asyncio.run(go_on_with(options.place, run, Company((sink,), None, signals.attach, signals.tree)))
        ended.append(done)
        if not options.json:
            left = f"; left: {output.one_line(done.problem)}" if done.problem else ""
            output.data(f"{run.run_id}  {output.one_line(run.workflow)}  {run.because}: {done.status}{left}")
        if signals.received is not None:
            return 128 + signals.received
    if options.json:
        rows = [
            {
                "run_id": done.run.run_id,
                "workflow": done.run.workflow,
                "because": done.run.because,
                "status": done.status,
                "problem": done.problem or None,
            }
            for done in ended
        ]
        output.document("nano-flow/due@1", {"runs": rows})
    elif not ended:
        output.note("nothing is due")
    return 1 if any(done.failed for done in ended) else 0
