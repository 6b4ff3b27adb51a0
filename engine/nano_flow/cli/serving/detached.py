"""A run that is left to a worker."""

from __future__ import annotations

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.operations.runs.starting import StartOrder
from nano_flow.operations.service.processes import started_apart
from nano_flow.operations.service.queueing import QueueOrder, queue_run, worker_is_alive


def leave(options: Options, order: StartOrder) -> int:
    """Queue the run, print its id, and see to it that somebody takes it."""
    queued = queue_run(options.place, QueueOrder(order, "detached"))
    if options.json:
        output.document("nano-flow/queued@1", {"run_id": queued.run_id})
    else:
        output.data(queued.run_id)
    if worker_is_alive(options.place):
        output.note(f'a worker takes it; "{options.typed("runs show last")}" shows how it goes')
    elif not options.place.store.embedded:
        output.note('no worker is alive: start one, on any machine that names this store, with "nano-flow worker"')
    else:
        pid = started_apart(options.place)
        follow = options.typed(f"runs logs {queued.run_id} -f")
        output.note(f'process {pid} was started to work on it; "{follow}" follows it')
    return 0
