"""What is done with runs that are there: cancelled, exported, pruned."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from nano_flow.core.calls import TEXTS
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.core.events import RunFinished
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import event_json, finite, json_text
from nano_flow.operations.moments import moment
from nano_flow.operations.place import Place
from nano_flow.operations.runs.reading import view_of_run
from nano_flow.operations.runs.starting import Company, ResumeOrder, Takeover, resume_run
from nano_flow.ports.store import LEDGER_FIELDS, RunFilter, RunSummary, Store, StoreReader
from nano_flow.project.around.own import forget_workspaces
from nano_flow.views.cost import as_csv
from nano_flow.views.document import run_document

_WAITING = frozenset({"approval", "wait"})
_OVER = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A run that is to end. ``owner`` was asked to cancel it; None where nobody worked on it.

    It was then taken over and its handlers ran, unless there is a ``problem``: it was closed without them.
    """

    run_id: str
    owner: str | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs to prune: those named, and of the others those that everything given holds for."""

    names: tuple[str, ...] = ()
    older_than: str | None = None
    keep: int | None = None
    status: str | None = None
    waiting: bool = False
    """Also those that wait for a person or a time."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """The runs that a choice meant, how many of them are gone, and how many that wait were spared."""

    runs: tuple[str, ...]
    deleted: int
    spared: int = 0


def cancel_run(place: Place, name: str) -> Cancelled:
    """Ask the owner of a run to cancel it; close it where it has none. Raises UsageError where it is over."""
    store = place.store
    with store.reader() as reader:
        found = reader.find_run(name)
    if found.owner is None and found.status in _OVER:
        on = "" if found.status == "succeeded" else f'; only "nano-flow resume {found.run_id}" would go on with it'
        raise UsageError(f'run "{found.run_id}" has ended already: {found.status}{on}')
    if found.owner is not None:
        store.request_cancel(found.run_id)
        return Cancelled(found.run_id, found.owner)
    return Cancelled(found.run_id, None, asyncio.run(_take_over(place, found.run_id)))


async def _take_over(place: Place, run_id: str) -> str:
    """Read the run's past back, begin nothing new, run its handlers; else close it, and say why without them."""
    try:
        await resume_run(place, ResumeOrder(run_id), Company(takeover=Takeover()))
    except (UsageError, DocumentError) as error:
        await _close(place.store, run_id)
        return str(error)
    return ""


async def _close(store: Store, run_id: str) -> None:
    _, journal = store.reopen_run(run_id)
    journal.record(RunFinished(time.time(), "cancelled", None, "cancelled", "cancelled", None, 0.0))
    await journal.close()


def export_run(place: Place, name: str, form: str) -> Iterator[str]:
    """A run as lines of events (``jsonl``), its ledger as ``csv``, or everything as one document (``json``)."""
    with place.store.reader() as reader:
        yield from _pieces(reader, reader.find_run(name).run_id, form)


def _pieces(reader: StoreReader, run_id: str, form: str) -> Iterator[str]:
    if form == "jsonl":
        for _, event in reader.events_of(run_id):
            yield json_text(dict(event_json(event)))
    elif form == "csv":
        yield as_csv(reader.ledger(run_id), LEDGER_FIELDS).rstrip("\n")
    else:
        events: list[Json] = [finite(dict(event_json(event))) for _, event in reader.events_of(run_id)]
        whole: dict[str, Json] = {
            "schema": "nano-flow/export@1",
            "run": run_document(view_of_run(reader, run_id)),
            "ledger": [dict(row) for row in reader.ledger(run_id)],
            "events": events,
        }
        yield json_text(whole)


def drop_texts(place: Place, older_than: str | None) -> int:
    """Drop what models were asked before then, or all of it; the books stay. How many texts it were."""
    return place.store.forget_marks(TEXTS, moment(older_than) if older_than else math.inf)


def prune_runs(place: Place, choice: Choice, *, ledger: bool, dry_run: bool) -> Pruned:
    """Delete the runs of ``choice`` that nobody works on. Raises UsageError where one that is named is at work."""
    store = place.store
    with store.reader() as reader:
        named = [_free(reader.find_run(name)) for name in choice.names]
        others = [run for run in _others(reader, choice) if run.run_id not in named]
        spared = [] if choice.waiting else [run for run in others if _waits(run)]
        chosen = list(dict.fromkeys([*named, *(run.run_id for run in others if run not in spared)]))
    deleted = 0 if dry_run else store.delete_runs(chosen, ledger=ledger)
    if deleted:
        forget_workspaces(place.state, chosen)
        store.compact()
    return Pruned(tuple(chosen), deleted, len(spared))


def _free(run: RunSummary) -> str:
    if run.owner is not None:
        raise UsageError(f'run "{run.run_id}" is at work in {run.owner}; "nano-flow runs cancel" stops it')
    return run.run_id


def _waits(run: RunSummary) -> bool:
    return run.status == "paused" and run.stop_reason in _WAITING


def _others(reader: StoreReader, choice: Choice) -> Iterator[RunSummary]:
    """The runs that nobody works on and everything given holds for."""
    if choice.older_than is None and choice.keep is None and choice.status is None:
        return
    before = moment(choice.older_than) if choice.older_than else None
    for run in reader.list_runs(RunFilter(status=choice.status))[choice.keep or 0 :]:
        if run.owner is None and (before is None or run.created_at < before):
            yield run
