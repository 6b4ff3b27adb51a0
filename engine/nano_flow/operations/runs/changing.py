"""What is done with runs that are there: cancelled, exported, pruned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from nano_flow.core.errors import UsageError
from nano_flow.core.events import RunFinished
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import event_json, finite, json_text
from nano_flow.operations.moments import moment
from nano_flow.operations.place import Place
from nano_flow.operations.runs.reading import view_of_run
from nano_flow.ports.store import LEDGER_FIELDS, RunFilter, Store, StoreReader
from nano_flow.views.cost import as_csv
from nano_flow.views.document import run_document

_OVER = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A run that is to end. ``owner`` was asked to cancel it; None where nobody worked on it, and it was closed."""

    run_id: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs to prune: those named, and of the others those that everything given holds for."""

    names: tuple[str, ...] = ()
    older_than: str | None = None
    keep: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """The runs that a choice meant, and how many of them are gone."""

    runs: tuple[str, ...]
    deleted: int


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
    else:
        asyncio.run(_close(store, found.run_id))
    return Cancelled(found.run_id, found.owner)


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


def prune_runs(place: Place, choice: Choice, *, ledger: bool, dry_run: bool) -> Pruned:
    """Delete the runs of ``choice`` that nobody works on. Raises UsageError where one that is named is at work."""
    store = place.store
    with store.reader() as reader:
        chosen = list(dict.fromkeys(_chosen(reader, choice)))
    deleted = 0 if dry_run else store.delete_runs(chosen, ledger=ledger)
    if deleted:
        store.compact()
    return Pruned(tuple(chosen), deleted)


def _chosen(reader: StoreReader, choice: Choice) -> Iterator[str]:
    for name in choice.names:
        found = reader.find_run(name)
        if found.owner is not None:
            raise UsageError(f'run "{found.run_id}" is at work in {found.owner}; "nano-flow runs cancel" stops it')
        yield found.run_id
    if choice.older_than is None and choice.keep is None and choice.status is None:
        return
    before = moment(choice.older_than) if choice.older_than else None
    for run in reader.list_runs(RunFilter(status=choice.status))[choice.keep or 0 :]:
        if run.owner is None and (before is None or run.created_at < before):
            yield run.run_id
