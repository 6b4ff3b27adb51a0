"""Concurrency groups: what becomes of a run that the service is to start when its group has no room."""

from __future__ import annotations

from nano_flow.core.errors import UsageError
from nano_flow.operations.place import Place
from nano_flow.operations.runs.changing import cancel_run
from nano_flow.operations.service.due import group_of, queued_runs
from nano_flow.operations.service.inforce import Service
from nano_flow.operations.service.queueing import origins
from nano_flow.ports.store import RunFilter, RunSummary, StoreReader


def may_queue(place: Place, service: Service, name: str) -> bool:
    """True where a run of ``name`` may be queued now; makes room where the group says so."""
    concurrency = service.workflows[name].concurrency
    store = place.store
    if concurrency is None or concurrency.otherwise == "queue" or not store.exists():
        return True
    with store.reader() as reader:
        under_way = runs_of_group(reader, service, concurrency.group)
    too_many = len(under_way) - concurrency.at_most + 1
    if too_many <= 0:
        return True
    if concurrency.otherwise == "skip":
        return False
    for run in under_way[:too_many]:
        try:
            cancel_run(place, run.run_id)
        except UsageError:
            continue  # it has ended meanwhile
    return True


def runs_of_group(reader: StoreReader, service: Service, group: str) -> list[RunSummary]:
    """The runs of a group that are at work or wait for a worker, oldest first."""
    runs = [*reader.list_runs(RunFilter(status="running"))[::-1], *queued_runs(reader)]
    names = origins(reader, [run.run_id for run in runs])
    return [run for run in runs if group_of(service, run, names.get(run.run_id, ""))[0] == group]
