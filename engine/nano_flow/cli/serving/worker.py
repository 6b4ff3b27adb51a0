"""``nano-flow worker``: take runs that wait, and go on with those that can."""

from __future__ import annotations

import asyncio
import re
import signal
from dataclasses import dataclass

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError
from nano_flow.core.text import seconds_of

_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|[smhd]))+")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_EPILOG = """\b
Examples:
  nano-flow worker
  nano-flow worker --runs 4
  nano-flow worker --labels gpu,linux --drain 60s
  nano-flow worker --runs 4 --host 0.0.0.0 --health-port 8081 --metrics-port 9090
  nano-flow run workflow.yaml --detach && nano-flow worker --until-idle
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of the command line."""

    runs: int
    labels: str
    steps: int
    drain: str
    until_idle: bool
    parent: int | None
    host: str
    health_port: int | None
    metrics_port: int | None


@click.command("worker", epilog=_EPILOG)
@click.option("--runs", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Runs at a time.")
@click.option("--labels", default="", metavar="A,B", help="What it can do: it does steps under `runs_on` with these.")
@click.option(
    "--steps",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    metavar="N",
    help="Steps under `runs_on` at a time.",
)
@click.option(
    "--drain", default="0s", show_default=True, metavar="TIME", help="How long runs may take to end after SIGTERM."
)
@click.option("--health-port", type=click.IntRange(0, 65_535), metavar="P", help="Answer /healthz and /readyz there.")
@click.option("--metrics-port", type=click.IntRange(0, 65_535), metavar="P", help="Answer /metrics there.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where these two listen; 0.0.0.0 for a cluster.")
@click.option("--until-idle", is_flag=True, help="End when nothing is left to do.")
@click.option("--parent", type=int, hidden=True, help="End with this process.")
@pass_options
def command(options: Options, /, **given: object) -> int:
    """Take runs that wait for a worker, and go on with those that were answered or have waited long enough.

    Steps that a run leaves to workers (`runs_on: NAME`) are done by those that have the label; `any` is everybody's.

    Ctrl-C and SIGTERM: nothing more is taken, what runs has the time of --drain to end, then it is stopped where it is
    and whoever works next goes on with it. A second signal stops it at once.
    """
    from nano_flow.operations.models.metrics import StoreMetrics
    from nano_flow.operations.placed.watching import watched
    from nano_flow.operations.runs.starting import ProcessTree
    from nano_flow.operations.service.processes import parent_is_gone
    from nano_flow.operations.service.working import Worker

    asked = _Asked(**given)  # type: ignore[arg-type]
    if not _DURATION.fullmatch(asked.drain):
        raise UsageError(f'"--drain {asked.drain}" is no duration such as 60s or 5m')
    labels = _labels(asked.labels)

    async def work() -> None:
        worker = Worker(
            options.place.settled(),
            asked.runs,
            asked.until_idle,
            output.note,
            ProcessTree(adopt=True),
            labels=labels,
            steps=asked.steps,
            drain_s=seconds_of(asked.drain),
        )
        if (parent := asked.parent) is not None:
            worker.goes_on = lambda: not parent_is_gone(parent)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, worker.leave)

        metrics = None if asked.metrics_port is None else (asked.metrics_port, StoreMetrics(worker.place).text)
        probes = await watched(worker, asked.host, asked.health_port, metrics, output.note)
        try:
            await worker.work()
        finally:
            for each in probes:
                each.close()

    asyncio.run(work())
    return 0


def _labels(given: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    wrong = next((name for name in names if not _LABEL.fullmatch(name)), None)
    if wrong is not None:
        raise UsageError(
            f'"--labels {given}": "{wrong}" is no label: letters, digits, ".", "_" and "-", as in gpu,linux-2'
        )
    return names
