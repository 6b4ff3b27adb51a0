"""A run as one HTML file: the views of its page and of its steps, without a script, readable from disk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from nano_flow import __version__
from nano_flow.core.events import Event, PromptSent
from nano_flow.core.messages import Json
from nano_flow.operations.place import Place
from nano_flow.operations.runs.reading import exchanges_of
from nano_flow.web.book import Book
from nano_flow.web.rendering.conversation import SHOWN
from nano_flow.web.rendering.drawn import Drawings
from nano_flow.web.rendering.rows import rows
from nano_flow.web.rendering.run_values import run_values
from nano_flow.web.rendering.step_values import values_of
from nano_flow.web.rendering.templates import render

_STYLE = Path(__file__).parent / "static" / "nano-flow.css"
_MOST = 500
"""Executions whose conversations are in the file; those that failed come first."""


def run_as_html(place: Place, name: str) -> str:
    """The whole file. Raises UsageError where there is no such run."""
    book = Book(place.store)
    run = book.run(name)
    values = run_values(book, Drawings(place), run, lambda address: f"#s-{quote(address, safe='')}")
    found = list(_executions(place, run.run_id, rows(book.document(run.run_id))))
    frame = {
        "now": None,
        "may": dict.fromkeys(("read", "answer", "run", "admin"), False),
        "style": _STYLE.read_text(encoding="utf-8"),
        "executions": found[:_MOST],
        "left_out": max(0, len(found) - _MOST),
        "version": __version__,
        "written_at": time.time(),
    }
    return render("export.html", {**values, **frame})


def _executions(place: Place, run_id: str, steps: list[dict[str, Json]]) -> Iterator[Mapping[str, object]]:
    """What is shown of each execution in which something happened, those that failed first."""
    events: dict[str, list[Event]] = {}
    with place.store.reader() as reader:
        for _, event in reader.events_of(run_id, kinds=(*SHOWN, PromptSent)):
            events.setdefault(str(getattr(event, "address", "")), []).append(event)
        digests = Counter(d for told in events.values() for e in told if isinstance(e, PromptSent) for d in e.messages)
        texts = reader.texts(digests)
    for step in sorted(steps, key=lambda step: step["status"] != "failed"):
        address = str(step["address"])
        told = events.get(address, [])
        if told or step.get("output") is not None or step.get("error"):
            said = [event for event in told if not isinstance(event, PromptSent)]
            yield values_of(step, said, exchanges_of(told, texts)) | {"address": address}
