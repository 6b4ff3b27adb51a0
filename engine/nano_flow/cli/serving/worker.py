"""``nano-flow worker``: take runs that wait, and go on with those that can."""

from __future__ import annotations

import asyncio
import re
import signal

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError
from nano_flow.core.text import seconds_of

_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|[smhd]))+")
_EPILOG = """\b
Examples:
  nano-flow worker
  nano-flow worker --runs 4
  nano-flow run workflow.yaml --detach && nano-flow worker --until-idle
"""


@click.command("worker", epilog=_EPILOG)
@click.option("--runs", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Runs at a time.")
@click.option(
    "--drain", default="0s", show_default=True, metavar="TIME", help="How long runs may take to end after SIGTERM."
)
@click.option("--until-idle", is_flag=True, help="End when nothing is left to do.")
@click.option("--parent", type=int, hidden=True, help="End with this process.")
@pass_options
def command(options: Options, /, runs: int, drain: str, until_idle: bool, parent: int | None) -> int:
    """Take runs that wait for a worker, and go on with those that were answered or have waited long enough.

    Ctrl-C and SIGTERM: nothing more is taken, what runs has the time of --drain to end, then it is stopped where it is
    and whoever works next goes on with it. A second signal stops it at once.
    """
    from nano_flow.operations.runs.starting import ProcessTree
    from nano_flow.operations.service.processes import parent_is_gone
    from nano_flow.operations.service.working import Worker

    if not _DURATION.fullmatch(drain):
        raise UsageError(f'"--drain {drain}" is no duration such as 60s or 5m')
    seconds = seconds_of(drain)

    async def work() -> None:
        worker = Worker(
            options.place.settled(), runs, until_idle, output.note, ProcessTree(adopt=True), drain_s=seconds
        )
        if parent is not None:
            worker.goes_on = lambda: not parent_is_gone(parent)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, worker.leave)

        await worker.work()

    asyncio.run(work())
    return 0
