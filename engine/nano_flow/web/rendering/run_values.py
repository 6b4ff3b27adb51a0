"""All that is shown of one run: by its page, and by the file that it is exported to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.core.messages import Json
from nano_flow.core.money import money
from nano_flow.ports.store import RunSummary
from nano_flow.web.book import Book, Fold
from nano_flow.web.rendering.drawn import Drawings
from nano_flow.web.rendering.gantt import Axis, gantt, money_line
from nano_flow.web.rendering.rows import STRIP, folded, goes_on, rows

_FAILURES = 12
_NOTICES = 8


def run_values(book: Book, drawings: Drawings, run: RunSummary, link: Callable[[str], str]) -> dict[str, object]:
    """The values of ``run_body.html``; ``link`` says where an address leads."""
    with book.fold(run.run_id) as fold:
        if fold.shown is None:
            fold.shown = _values(fold, drawings)
        values = fold.shown
    with book.reader() as reader:
        questions = reader.pending_approvals(run.run_id) if reader is not None else []
    return {**values, "run": run, "link": link, "questions": questions}


def _values(fold: Fold, drawings: Drawings) -> dict[str, object]:
    document, view = fold.document or {}, fold.view
    record, notices = view.head, [str(getattr(notice, "message", "")) for notice in view.notices]
    steps = rows(document)
    began = view.started.at if view.started is not None else 0.0
    axis = Axis(view.last_at - began if view.started is not None else 0.0)
    failures = [step for step in steps if step["status"] == "failed" and step.get("error")]
    return {
        "document": document,
        "inputs": dict(record.inputs) if record is not None else {},
        "failures": failures[:_FAILURES],
        "more_failures": len(failures) - _FAILURES,
        "goes_on": goes_on(document),
        "drawing": drawings.svg(record, steps) if record is not None else None,
        "rows": list(folded(steps)),
        "bars": gantt(view, axis),
        "line": money_line(fold.money, axis, began, _budget(document)) if len(steps) < STRIP else None,
        "notices": [notice for notice in notices if notice][-_NOTICES:],
    }


def _budget(document: Mapping[str, Json]) -> int | None:
    cost = document.get("cost")
    budget = cost.get("budget_usd") if isinstance(cost, dict) else None
    return None if budget is None else money(str(budget))
