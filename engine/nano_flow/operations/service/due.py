"""Which runs a worker may take now: those that wait for one, as far as their groups have room, and lost ones."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.operations.service.queueing import origins
from nano_flow.ports.store import RunFilter, RunSummary, StoreReader
from nano_flow.project.service.reading import Service
from nano_flow.project.service.shared_budgets import WINDOW


def queued_runs(reader: StoreReader) -> list[RunSummary]:
    """Runs that nobody has taken yet, oldest first."""
    return reader.list_runs(RunFilter(status="queued"))[::-1]


def startable(reader: StoreReader, service: Service) -> Iterator[RunSummary]:
    """Queued runs, oldest first, as far as their concurrency groups have room."""
    waiting = queued_runs(reader)
    if not waiting:
        return
    groups = group_sizes(reader, service)
    names = origins(reader, [run.run_id for run in waiting])
    for run in waiting:
        group, at_most = group_of(service, run, names.get(run.run_id, ""))
        if group and groups.get(group, 0) >= at_most:
            continue
        groups[group] = groups.get(group, 0) + 1
        yield run


def group_sizes(reader: StoreReader, service: Service) -> dict[str, int]:
    """Group → runs under way; those of a terminal count, too."""
    if not any(served.concurrency for served in service.workflows.values()):
        return {}
    running = reader.list_runs(RunFilter(status="running"))
    names = origins(reader, [run.run_id for run in running])
    sizes: dict[str, int] = {}
    for run in running:
        group = group_of(service, run, names.get(run.run_id, ""))[0]
        sizes[group] = sizes.get(group, 0) + 1
    return sizes


def group_of(service: Service, run: RunSummary, origin: str) -> tuple[str, int]:
    """The concurrency group of a run and how many it may have; no group is "".

    A run that the service started goes by the name that started it, any other by its file.
    """
    name = served_name(origin)
    if name not in service.workflows:
        name = next((one for one in service.workflows if str(service.file_of(one)) == run.file), "")
    served = service.workflows.get(name)
    if served is None or served.concurrency is None:
        return "", 0
    return served.concurrency.group, served.concurrency.at_most


def served_name(origin: str) -> str:
    """``schedule:nightly`` → ``nightly``; "" for what no name of service.yaml had started."""
    how, _, name = origin.partition(":")
    return name if how in ("schedule", "webhook", "service") else ""


def unbudgeted_runs(reader: StoreReader, now: float) -> list[RunSummary]:
    """Runs that a budget over runs paused, and whose next window has begun."""
    paused = [run for run in reader.list_runs(RunFilter(status="paused")) if run.stop_reason == "budget"]
    windows = reader.marks(WINDOW, [run.run_id for run in paused])
    return [
        run
        for run in reversed(paused)
        if (mark := windows.get(run.run_id)) is not None and (run.finished_at or 0.0) < mark.at <= now
    ]


def lost_runs(reader: StoreReader) -> list[RunSummary]:
    """Runs that a worker had and lost, since it died: another one goes on with them.

    What a person ran in a terminal is theirs to take up again.
    """
    paused = [run for run in reader.list_runs(RunFilter(status="paused")) if run.finished_at is None]
    ours = origins(reader, [run.run_id for run in paused])
    return [run for run in reversed(paused) if run.run_id in ours]
