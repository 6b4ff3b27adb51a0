"""``runs show``, ``runs logs``, ``runs diff``: one run, or two, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.frame.looks import paint, width
from nano_flow.core.events import CommandPrinted, ToolCalled
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import event_json, finite
from nano_flow.core.shown.lines import line_of
from nano_flow.core.shown.printable import clip, printable_lines
from nano_flow.core.text import rfc3339
from nano_flow.operations.runs.reading import (
    compare_runs,
    events_of_run,
    exchanges_at,
    follow_run,
    innermost_failures,
    show_run,
    step_of,
)
from nano_flow.views.comparison import comparison_text
from nano_flow.views.details.asked import command_lines, exchanges_text, stream_lines
from nano_flow.views.text import run_text
from nano_flow.views.timeline import timeline, timeline_text

_DETAIL = 1
_LINES = 40
"""Lines of each stream of a command that a log shows."""


def show(options: Options, run: str, address: str | None, *, as_timeline: bool, full: bool = False) -> None:
    """Print a run, its timeline, or one of its executions."""
    shown = show_run(options.place, run)
    if address is not None:
        _show_step(options, shown.document, address, exchanges_at(options.place, shown.run_id, address))
    elif options.json:
        print_document(shown.document)
    elif as_timeline:
        output.data("\n".join(timeline_text(timeline(shown.view), width())))
    else:
        output.data(run_text(shown.document, width(), paint, inputs=True, full=full, words=options.words))
        if shown.expected is not None:
            output.note(shown.expected.text())
        for notice in shown.view.notices:
            line = line_of(notice, 0)
            output.note(paint(clip(line or "", 4 * width()), "warn"))


def logs(options: Options, run: str, address: str | None, *, follow: bool) -> None:
    """Print a line per event; with ``follow`` until the run is over."""
    if options.json:
        run_id, happened = events_of_run(options.place, run, address)
        events = [finite(dict(event_json(event))) for event in happened]
        output.document("nano-flow/events@1", {"run_id": run_id, "events": events})
        return
    told: dict[str, str] = {}
    for event in follow_run(options.place, run, address, follow=follow):
        if isinstance(event, CommandPrinted):
            told[f"{event.address} {event.stream}"] = told.get(f"{event.address} {event.stream}", "") + event.text
            for printed in stream_lines(event.stream, event.text):
                output.data(printed)
            continue
        line = line_of(event, _DETAIL)
        if line is not None:
            output.data(f"{rfc3339(event.at)}  {line}")
        if isinstance(event, ToolCalled) and event.tool == "run":
            for printed in command_lines(_rest(event, told), _LINES):
                output.data(printed)


def _rest(event: ToolCalled, told: dict[str, str]) -> Json:
    """The result of a command without what was told while it ran."""
    if not isinstance(event.result, dict):
        return event.result
    before = {stream: told.pop(f"{event.address} {stream}", "") for stream in ("stdout", "stderr")}
    return {
        name: value.removeprefix(before.get(name, "")) if isinstance(value, str) else value
        for name, value in event.result.items()
    }


def failures(options: Options, run: str) -> None:
    """Print every failure with what was said, called and printed there."""
    shown = show_run(options.place, run)
    addresses = innermost_failures(shown.document)
    entries = [(address, exchanges_at(options.place, shown.run_id, address)) for address in addresses]
    if options.json:
        rows: list[Json] = [
            {**step_of(shown.document, address), "exchanges": [dict(entry) for entry in said]}
            for address, said in entries
        ]
        print_document({"schema": "nano-flow/failures@1", "run_id": shown.run_id, "failures": rows})
        return
    for address, said in entries:
        error = step_of(shown.document, address)["error"]
        told = error if isinstance(error, dict) else {}
        output.data(output.clean(f"{address}: {told.get('class')}: {told.get('message')}"))
        for line in exchanges_text(said):
            output.data(f"  {line}")
    if not entries:
        output.note("nothing failed")


def diff(options: Options, a: str, b: str | None) -> None:
    """Print what differs between two runs."""
    difference = compare_runs(options.place, a, b)
    if options.json:
        print_document(difference)
    else:
        output.data(comparison_text(difference, width()))


def print_document(document: Mapping[str, Json]) -> None:
    """One JSON document to stdout."""
    fields = finite(dict(document))
    if isinstance(fields, dict):
        output.document(str(fields.pop("schema")), fields)


def _show_step(
    options: Options, document: Mapping[str, Json], address: str, said: Sequence[Mapping[str, Json]]
) -> None:
    step = step_of(document, address)
    if options.json:
        exchanged: list[Json] = [dict(entry) for entry in said]
        print_document({"schema": "nano-flow/step@1", "run_id": document["run_id"], **step, "exchanges": exchanged})
        return
    for name, value in step.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        lines = printable_lines(text) or [""]
        first, rest = (lines[0], []) if len(lines) == 1 else ("", lines)
        output.data("\n".join([f"{name}: {first}".rstrip(), *(f"  {line}" for line in rest)]))
    for line in exchanges_text(said):
        output.data(line)
