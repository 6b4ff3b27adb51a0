"""Paused runs whose answer was given, whose question ran out, or whose time has come."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nano_flow.app import ResumeOrder
from nano_flow.core.errors import NanoFlowError
from nano_flow.core.events import ApprovalAnswered, WaitStarted
from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import Company, resume_run
from nano_flow.ports.store import RunFilter, RunSummary, StoreReader

_WAITING = frozenset({"approval", "wait"})


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run that may go on, and why."""

    run_id: str
    workflow: str
    because: str


@dataclass(frozen=True, slots=True)
class WentOn:
    """What became of a run that was due; ``problem`` says why it was left, "" where it went on."""

    run: DueRun
    status: str
    failed: bool
    problem: str = ""


def due_runs(place: Place, now: float | None = None) -> list[DueRun]:
    """The runs that could go on at ``now``, oldest first."""
    store = place.store
    if not store.exists():
        return []
    moment = time.time() if now is None else now
    with store.reader() as reader:
        paused = [run for run in reader.list_runs(RunFilter(status="paused")) if run.stop_reason in _WAITING]
        found = [(run, because) for run in reversed(paused) if (because := _because(reader, run, moment))]
    return [DueRun(run.run_id, run.workflow, because) for run, because in found]


async def go_on_with(place: Place, run: DueRun, company: Company) -> WentOn:
    """Resume one of them; one that is refused (its documents changed, somebody else has it) is left, and named."""
    try:
        report = await resume_run(place, ResumeOrder(run.run_id), company)
    except NanoFlowError as error:
        return WentOn(run, "paused", failed=False, problem=str(error))
    return WentOn(run, report.end.status, failed=report.end.status in ("failed", "cancelled"))


def _because(reader: StoreReader, run: RunSummary, now: float) -> str:
    since = run.finished_at or 0.0
    events = [event for _, event in reader.events_of(run.run_id, kinds=(ApprovalAnswered, WaitStarted))]
    taken = {(event.address, event.at) for event in events if isinstance(event, ApprovalAnswered)}
    if any((answer.address, answer.at) not in taken for answer in reader.approval_answers(run.run_id).values()):
        return "answered"
    if any(q.expires_at is not None and q.expires_at <= now for q in reader.pending_approvals(run.run_id)):
        return "a question ran out"
    waits = (event.until for event in events if isinstance(event, WaitStarted))
    return "its time has come" if any(since < until <= now for until in waits) else ""
