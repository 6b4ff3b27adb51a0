"""Runs as they were recorded: listed, shown, followed, compared."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nano_flow.core.errors import UsageError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.operations.place import Place
from nano_flow.ports.store import RunFilter, RunSummary, StoreReader
from nano_flow.project.money.earlier import Hindsight, hindsight
from nano_flow.views.comparison import compare
from nano_flow.views.document import run_document
from nano_flow.views.report import RunView, planned_rows

POLL_SECONDS = 0.25
"""How often a run that is followed is looked at."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """One run: its view, the same as a document, and what the runs before it let expect of its cost."""

    run_id: str
    view: RunView
    document: Mapping[str, Json]
    expected: Hindsight | None


def list_runs(place: Place, wanted: RunFilter) -> list[RunSummary]:
    """The runs that ``wanted`` describes, newest first; none where there is no store yet."""
    store = place.store
    if not store.exists():
        return []
    with store.reader() as reader:
        return reader.list_runs(wanted)


def show_run(place: Place, name: str) -> ShownRun:
    """One run, by its id, a unique prefix of it, or ``last``. Raises UsageError."""
    with place.store.reader() as reader:
        run_id = reader.find_run(name).run_id
        view = view_of_run(reader, run_id)
        return ShownRun(run_id, view, run_document(view), hindsight(reader, run_id))


def step_of(document: Mapping[str, Json], address: str) -> Mapping[str, Json]:
    """One execution of a run's document. Raises UsageError where there is none at ``address``."""
    steps = document["steps"]
    found = {str(step["address"]): step for step in steps if isinstance(step, dict)} if isinstance(steps, list) else {}
    if address not in found:
        from difflib import get_close_matches

        near = get_close_matches(address, found, n=1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        raise UsageError(f'run "{document["run_id"]}" has no step at "{address}"{hint}')
    return found[address]


def events_of_run(place: Place, name: str, address: str | None = None) -> tuple[str, list[Event]]:
    """The id of a run, and what happened in it, or at ``address`` and inside. Raises UsageError."""
    with place.store.reader() as reader:
        run_id = reader.find_run(name).run_id
        return run_id, [event for _, event in reader.events_of(run_id) if within(event, address)]


def follow_run(place: Place, name: str, address: str | None = None, *, follow: bool = True) -> Iterator[Event]:
    """What happened in a run, and with ``follow`` what happens until nobody works on it any more."""
    with place.store.reader() as reader:
        run_id, last = reader.find_run(name).run_id, -1
        while True:
            at_work = follow and reader.find_run(run_id).owner is not None
            for seq, event in reader.events_of(run_id, last):
                last = seq
                if within(event, address):
                    yield event
            if not at_work:
                return
            time.sleep(POLL_SECONDS)


def compare_runs(place: Place, a: str, b: str) -> Mapping[str, Json]:
    """What differs between two runs, as a document. Raises UsageError."""
    with place.store.reader() as reader:
        documents = [run_document(view_of_run(reader, reader.find_run(name).run_id)) for name in (a, b)]
    return compare(*documents)


def view_of_run(reader: StoreReader, run_id: str) -> RunView:
    """The view of one run, from all its events."""
    record = reader.run_record(run_id)
    view = RunView(planned_rows(record.kinds) if record is not None else ())
    for _, event in reader.events_of(run_id):
        view.apply(event)
    view.head = record
    view.owner_is_gone = reader.find_run(run_id).owner is None
    return view


def within(event: Event, address: str | None) -> bool:
    """True for what happened at ``address`` or inside; None is everywhere."""
    at = getattr(event, "address", "")
    return address is None or at == address or at.startswith((f"{address}.", f"{address}["))
