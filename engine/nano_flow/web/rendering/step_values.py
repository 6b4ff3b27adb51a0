"""All that is shown of one execution: by its page, and in the file that its run is exported to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nano_flow.core.events import Event, StepRetried
from nano_flow.core.messages import Json
from nano_flow.operations.place import Place
from nano_flow.operations.runs.reading import exchanges_at, step_of
from nano_flow.ports.store import RunSummary
from nano_flow.web.book import Book
from nano_flow.web.rendering.conversation import SHOWN, asked, decision, turns
from nano_flow.web.rendering.rows import folded, rows

_ITEMS = 500


def step_values(
    place: Place, book: Book, run: RunSummary, address: str, link: Callable[[str], str]
) -> dict[str, object]:
    """The values of ``step_body.html``. Raises UsageError where there is no such execution."""
    document = book.document(run.run_id)
    steps = {str(step["address"]): step for step in rows(document)}
    inside = [step for at, step in steps.items() if at.startswith((f"{address}[", f"{address}."))]
    if address not in steps and not inside:
        step_of(document, address)  # says which name is near
    with book.reader() as reader:
        found = reader.events_of(run.run_id, kinds=SHOWN, address=address) if reader is not None else ()
        events = [event for _, event in found]
    told = exchanges_at(place, run.run_id, address) if events else []
    return values_of(steps.get(address), events, told) | {
        "run": run,
        "address": address,
        "link": link,
        "inside": list(folded(inside))[:_ITEMS],
    }


def values_of(
    step: Mapping[str, Json] | None, events: Sequence[Event], told: Sequence[Mapping[str, Json]]
) -> dict[str, object]:
    """What one execution's row in the document, its events, and what was asked and answered there give."""
    return {
        "step": step,
        "turns": turns(events),
        "asked": asked(told),
        "decision": decision(events),
        "retries": [event for event in events if isinstance(event, StepRetried)],
    }
