"""Runs as they were recorded: listed, shown, followed, compared."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from nano_flow.core.errors import UsageError
from nano_flow.core.events import (
    CacheHit,
    CallFailed,
    CallFinished,
    CommandPrinted,
    Event,
    PromptSent,
    StepFailed,
    ToolCalled,
    ToolIntended,
)
from nano_flow.core.messages import Json
from nano_flow.core.refs import around
from nano_flow.core.shown.event_json import EVENT_KINDS
from nano_flow.core.text import as_text
from nano_flow.operations.place import Place
from nano_flow.ports.store import RunFilter, RunSummary, StoreReader
from nano_flow.project.money.earlier import Hindsight, hindsight
from nano_flow.views.comparison import compare
from nano_flow.views.details.asked import exchanges
from nano_flow.views.details.folding import summary
from nano_flow.views.document import run_document
from nano_flow.views.report import RunView, planned_rows

_TELLING = (PromptSent, CallFinished, CallFailed, CacheHit, ToolIntended, ToolCalled)
POLL_SECONDS = 0.25
"""How often a run that is followed is looked at."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """One run: its view, the same as a document, and what the runs before it let expect of its cost."""

    run_id: str
    view: RunView
    document: Mapping[str, Json]
    expected: Hindsight | None


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run, and where it failed."""

    run: RunSummary
    failed_at: str | None


def search_runs(place: Place, wanted: RunFilter, text: str | None = None) -> list[ListedRun]:
    """Runs, newest first, with the failing address; with ``text`` those whose names, inputs or errors hold it."""
    store = place.store
    if not store.exists():
        return []
    found: list[ListedRun] = []
    with store.reader() as reader:
        for run in reader.list_runs(wanted if text is None else replace(wanted, limit=None)):
            failures = _failures(reader, run) if run.status == "failed" or text is not None else []
            if text is not None and not _holds(reader, run, failures, text.casefold()):
                continue
            found.append(ListedRun(run, failures[0].address if failures and run.status == "failed" else None))
            if wanted.limit is not None and len(found) >= wanted.limit:
                break
    return found


def _failures(reader: StoreReader, run: RunSummary) -> list[StepFailed]:
    """Of the latest life, those that are not tolerated first."""
    events = [event for _, event in reader.events_of(run.run_id, kinds=(StepFailed,)) if isinstance(event, StepFailed)]
    holding = {outer for event in events for outer in list(around(event.address))[1:]}
    inner = [event for event in events if event.address not in holding]
    return sorted(inner, key=lambda event: (event.tolerated, -event.at))


def _holds(reader: StoreReader, run: RunSummary, failures: list[StepFailed], text: str) -> bool:
    record = reader.run_record(run.run_id)
    told = [run.run_id, run.workflow, run.file, run.error or "", as_text(dict(record.inputs) if record else {})]
    told += [f"{event.address} {event.error} {event.message}" for event in failures]
    return any(text in each.casefold() for each in told)


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
    whole = summary(list(found.values()), address) if address not in found else None
    if whole is not None:
        return whole
    if address not in found:
        from difflib import get_close_matches

        near = get_close_matches(address, found, n=1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        raise UsageError(f'run "{document["run_id"]}" has no step at "{address}"{hint}')
    return found[address]


def exchanges_at(place: Place, run_id: str, address: str) -> list[Mapping[str, Json]]:
    """What was asked and answered, called and run at ``address``, in its order."""
    with place.store.reader() as reader:
        events = [event for _, event in reader.events_of(run_id, kinds=_TELLING, address=address)]
        digests = [digest for event in events if isinstance(event, PromptSent) for digest in event.messages]
        return exchanges(events, reader.texts(digests))


def exchanges_of(events: Iterable[Event], texts: Mapping[str, str]) -> list[Mapping[str, Json]]:
    """The same of events that were read already, with the texts that they speak of."""
    return exchanges(events, texts)


def failed_in(place: Place, name: str) -> tuple[str, list[str]]:
    """The id of a run, and the addresses of its innermost failures, in the order of the plan."""
    shown = show_run(place, name)
    return shown.run_id, innermost_failures(shown.document)


def innermost_failures(document: Mapping[str, Json]) -> list[str]:
    """The addresses of the executions that failed themselves, and not for one inside them."""
    steps = document["steps"]
    rows = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    failed = [str(step["address"]) for step in rows if step["status"] == "failed"]
    holding = {outer for address in failed for outer in list(around(address))[1:]}
    return [address for address in failed if address not in holding]


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


def compare_runs(place: Place, a: str, b: str | None = None) -> Mapping[str, Json]:
    """What differs between two runs, or between ``a`` and the run of its workflow before it. Raises UsageError."""
    with place.store.reader() as reader:
        if b is None:
            a, b = _before(reader, a), a
        documents = [run_document(view_of_run(reader, reader.find_run(name).run_id)) for name in (a, b)]
    return compare(*documents)


def _before(reader: StoreReader, name: str) -> str:
    found = reader.find_run(name)
    ids = [run.run_id for run in reader.list_runs(RunFilter(workflow=found.workflow))]
    earlier = ids[ids.index(found.run_id) + 1 :]
    if not earlier:
        raise UsageError(f'"{found.run_id}" is the first run of "{found.workflow}": there is none to compare it with')
    return earlier[0]


_SHOWN = tuple(kind for kind in EVENT_KINDS.values() if kind not in (PromptSent, CommandPrinted))
"""What a view is made of; texts are read for the step that is asked about."""


def view_of_run(reader: StoreReader, run_id: str) -> RunView:
    """The view of one run, from all its events."""
    record = reader.run_record(run_id)
    view = RunView(planned_rows(record.kinds) if record is not None else ())
    for _, event in reader.events_of(run_id, kinds=_SHOWN):
        view.apply(event)
    view.head = record
    view.owner_is_gone = reader.find_run(run_id).owner is None
    return view


def within(event: Event, address: str | None) -> bool:
    """True for what happened at ``address`` or inside; None is everywhere."""
    at = getattr(event, "address", "")
    return address is None or at == address or at.startswith((f"{address}.", f"{address}["))
