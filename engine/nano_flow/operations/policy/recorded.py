"""Recorded calls, each with what its own policy looked for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

from nano_flow.core.calls import TURNS_PER_GENERATION
from nano_flow.core.errors import NanoFlowError
from nano_flow.core.events import CallFinished, Event, PromptSent, ReplyChecked, RouteDecided
from nano_flow.locate import PolicyFile
from nano_flow.operations.place import Place
from nano_flow.ports.store import RunFilter, StoreReader
from nano_flow.project.policies import read_policies
from nano_flow.review.recorded import KeptText, RecordedCall, recorded_calls, vocabulary, with_texts

Calls = list[tuple[RecordedCall, frozenset[str] | None]]
LABELS: Collection[type[Event]] = (RouteDecided, ReplyChecked, PromptSent)
_ALL: Collection[type[Event]] = (*LABELS, CallFinished)


def calls_of(place: Place, wanted: RunFilter, run: str | None = None, kinds: Collection[type[Event]] = _ALL) -> Calls:
    """The decisions of the newest runs that ``wanted`` describes, or of one; empty where there is no store yet.

    Without replies, ``LABELS`` is enough for what the checks said.
    """
    store = place.store
    if not store.exists():
        return []
    found: Calls = []
    known: dict[str, frozenset[str] | None] = {}
    with store.reader() as reader:
        runs = [reader.find_run(run)] if run else reader.list_runs(wanted)
        for summary in runs[: wanted.limit]:
            record = reader.run_record(summary.run_id)
            text = record.documents.get("routing.yaml", "") if record is not None else ""
            if text not in known:
                known[text] = _vocabulary(place, record.documents if record is not None else {})
            events = [event for _, event in reader.events_of(summary.run_id, kinds=kinds)]
            calls = with_texts(recorded_calls(summary.run_id, events), _texts(reader, events))
            found += [(call, known[text]) for call in calls]
    return found


def _texts(reader: StoreReader, events: Iterable[Event]) -> dict[tuple[str, int], KeptText]:
    """What was asked, by address and generation, as far as the run kept it and it was not dropped since."""
    begun: dict[tuple[str, int], tuple[str, ...]] = {}
    for event in events:
        if isinstance(event, PromptSent):
            begun.setdefault((event.address, event.turn // TURNS_PER_GENERATION), event.messages)
    kept = reader.texts([digest for digests in begun.values() for digest in digests])
    found = {}
    for place, digests in begun.items():
        if all(digest in kept for digest in digests):
            messages = [json.loads(kept[digest]) for digest in digests]
            users = [message for message in messages if message.get("role") == "user"]
            found[place] = KeptText(_joined(messages), _joined(users))
    return found


def _joined(messages: Iterable[Mapping[str, object]]) -> str:
    return "\n\n".join(str(message.get("content", "")) for message in messages)


def _vocabulary(place: Place, documents: Mapping[str, str]) -> frozenset[str] | None:
    """What the recorded policy looked for; None where it cannot be read any more: then every word counts as known."""
    files: tuple[PolicyFile, ...] = place.policy(None)
    texts: dict[str, str] = {file.name: documents[file.name] for file in files if file.name in documents}
    try:
        return vocabulary(read_policies(files, texts)) if "routing.yaml" in texts else None
    except NanoFlowError:
        return None
