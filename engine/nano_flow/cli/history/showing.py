"""``runs show``, ``runs logs``, ``runs diff``: one run, or two, as text and as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.history.reading import paint, store_of, view_of_run, width
from nano_flow.core.errors import UsageError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import event_json, finite
from nano_flow.core.shown.printable import clip, printable_lines
from nano_flow.core.text import rfc3339
from nano_flow.ports.store import StoreReader
from nano_flow.project.money.earlier import hindsight
from nano_flow.sinks.lines import line_of
from nano_flow.views.comparison import compare, comparison_text
from nano_flow.views.document import run_document
from nano_flow.views.text import run_text
from nano_flow.views.timeline import timeline, timeline_text

_POLL_SECONDS = 0.25
_DETAIL = 1


def show(options: Options, run: str, address: str | None, *, as_timeline: bool) -> None:
    """Print a run, its timeline, or one of its executions."""
    with store_of(options).reader() as reader:
        run_id = reader.find_run(run).run_id
        view = view_of_run(reader, run_id)
        expected = hindsight(reader, run_id)
    document = run_document(view)
    if address is not None:
        _show_step(options, document, address)
    elif options.json:
        print_document(document)
    elif as_timeline:
        output.data("\n".join(timeline_text(timeline(view), width())))
    else:
        output.data(run_text(document, width(), paint))
        if expected is not None:
            output.note(expected.text())
        for notice in view.notices:
            line = line_of(notice, 0)
            output.note(paint(clip(line or "", 4 * width()), "warn"))


def logs(options: Options, run: str, address: str | None, *, follow: bool) -> None:
    """Print a line per event; with ``follow`` until the run is over."""
    with store_of(options).reader() as reader:
        run_id = reader.find_run(run).run_id
        if options.json:
            events = [
                finite(dict(event_json(event))) for _, event in reader.events_of(run_id) if _within(event, address)
            ]
            output.document("nano-flow/events@1", {"run_id": run_id, "events": events})
            return
        last = _print_events(reader, run_id, -1, address)
        while follow and reader.find_run(run_id).owner is not None:
            time.sleep(_POLL_SECONDS)
            last = _print_events(reader, run_id, last, address)


def diff(options: Options, a: str, b: str) -> None:
    """Print what differs between two runs."""
    with store_of(options).reader() as reader:
        documents = [run_document(view_of_run(reader, reader.find_run(name).run_id)) for name in (a, b)]
    difference = compare(*documents)
    if options.json:
        print_document(difference)
    else:
        output.data(comparison_text(difference, width()))


def print_document(document: Mapping[str, Json]) -> None:
    """One JSON document to stdout."""
    fields = finite(dict(document))
    if isinstance(fields, dict):
        output.document(str(fields.pop("schema")), fields)


def _print_events(reader: StoreReader, run_id: str, after: int, address: str | None) -> int:
    for seq, event in reader.events_of(run_id, after):
        after = seq
        line = line_of(event, _DETAIL)
        if line is not None and _within(event, address):
            output.data(f"{rfc3339(event.at)}  {line}")
    return after


def _within(event: Event, address: str | None) -> bool:
    at = getattr(event, "address", "")
    return address is None or at == address or at.startswith((f"{address}.", f"{address}["))


def _show_step(options: Options, document: Mapping[str, Json], address: str) -> None:
    steps = document["steps"]
    found = {str(step["address"]): step for step in steps if isinstance(step, dict)} if isinstance(steps, list) else {}
    if address not in found:
        from difflib import get_close_matches

        near = get_close_matches(address, found, n=1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        raise UsageError(f'run "{document["run_id"]}" has no step at "{address}"{hint}')
    step = found[address]
    if options.json:
        print_document({"schema": "nano-flow/step@1", "run_id": document["run_id"], **step})
        return
    for name, value in step.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        lines = printable_lines(text) or [""]
        first, rest = (lines[0], []) if len(lines) == 1 else ("", lines)
        output.data("\n".join([f"{name}: {first}".rstrip(), *(f"  {line}" for line in rest)]))
