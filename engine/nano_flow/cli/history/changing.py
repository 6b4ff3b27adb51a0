"""``runs cancel``, ``runs export``, ``runs prune``: what is done with runs that are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.history.reading import moment, store_of, view_of_run
from nano_flow.core.errors import UsageError
from nano_flow.core.events import RunFinished
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import event_json, finite, json_text
from nano_flow.ports.store import LEDGER_FIELDS, RunFilter, Store, StoreReader
from nano_flow.views.cost import as_csv
from nano_flow.views.document import run_document

_OVER = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs to prune: those named, and of the others those that everything given holds for."""

    names: tuple[str, ...]
    older_than: str | None
    keep: int | None
    status: str | None


def cancel(options: Options, run: str) -> None:
    """Ask the owner of a run to cancel it; close it where it has none."""
    store = store_of(options)
    with store.reader() as reader:
        found = reader.find_run(run)
    if found.owner is None and found.status in _OVER:
        on = "" if found.status == "succeeded" else f'; only "nano-flow resume {found.run_id}" would go on with it'
        raise UsageError(f'run "{found.run_id}" has ended already: {found.status}{on}')
    if found.owner is not None:
        store.request_cancel(found.run_id)
        said = f"{found.owner} was asked to cancel it"
    else:
        asyncio.run(_close(store, found.run_id))
        said = "it was closed; nobody was at work on it, so its handlers did not run"
    said += f'; what is paid is kept: "nano-flow resume {found.run_id}" would go on with it'
    if options.json:
        output.document("nano-flow/cancel@1", {"run_id": found.run_id, "asked": found.owner is not None})
    else:
        output.note(f'run "{found.run_id}": {output.clean(said)}')


async def _close(store: Store, run_id: str) -> None:
    _, journal = store.reopen_run(run_id)
    journal.record(RunFinished(time.time(), "cancelled", None, "cancelled", "cancelled", None, 0.0))
    await journal.close()


def export(options: Options, run: str, form: str, file: Path | None) -> None:
    """Write a run as lines of events, its ledger as CSV, or everything as one document."""
    with store_of(options).reader() as reader:
        pieces = _pieces(reader, reader.find_run(run).run_id, form)
        if file is None:
            for piece in pieces:
                output.data(piece)
            return
        try:
            with file.open("w", encoding="utf-8") as stream:
                stream.writelines(f"{piece}\n" for piece in pieces)
        except OSError as error:
            raise UsageError(f'"{file}" cannot be written: {error.strerror}') from error
    output.note(f'written to "{file}"')


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


def prune(options: Options, choice: Choice, *, ledger: bool, dry_run: bool) -> None:
    """Delete the runs of ``choice`` that nobody works on."""
    store = store_of(options)
    with store.reader() as reader:
        chosen = list(dict.fromkeys(_chosen(reader, choice)))
    deleted = 0 if dry_run else store.delete_runs(chosen, ledger=ledger)
    if deleted:
        store.compact()
    if options.json:
        fields = {"runs": chosen, "deleted": deleted, "dry_run": dry_run}
        output.document("nano-flow/prune@1", fields)
        return
    for run_id in chosen:
        output.data(run_id)
    kept = "" if ledger else "; what they cost stays in the ledger"
    output.note(f"{len(chosen)} would be deleted" if dry_run else f"{deleted} deleted{kept}")


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
