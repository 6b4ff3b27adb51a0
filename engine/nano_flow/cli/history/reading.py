"""What the commands about the past share: the store, moments in words, the room on the terminal, one run's view."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.errors import UsageError
from nano_flow.core.text import seconds_of
from nano_flow.ports.store import Store, StoreReader
from nano_flow.views.report import RunView, planned_rows

_PIPE = 120
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?[smhdw])+")
_LOOKS: dict[str, output.Style] = {"good": "good", "bad": "bad", "warn": "warn", "dim": "dim", "strong": "strong"}


def store_of(options: Options) -> Store:
    """The store in force."""
    return options.store


def width() -> int:
    """Columns of the terminal; a pipe has some more."""
    return output.width(_PIPE)


def paint(text: str, look: str) -> str:
    """Colour ``text`` for stdout, where colours are wanted."""
    return output.style(text, _LOOKS.get(look, "plain"))


def view_of_run(reader: StoreReader, run_id: str) -> RunView:
    """The view of one run, from all its events."""
    record = reader.run_record(run_id)
    view = RunView(planned_rows(record.kinds) if record is not None else ())
    for _, event in reader.events_of(run_id):
        view.apply(event)
    view.head = record
    view.owner_is_gone = reader.find_run(run_id).owner is None
    return view


def moment(text: str, now: float | None = None) -> float:
    """``7d``, ``12h``, ``2026-01-31`` or an RFC 3339 time as seconds since 1970. Raises UsageError."""
    if _DURATION.fullmatch(text):
        return (time.time() if now is None else now) - seconds_of(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'"{text}" is no time: expected a duration such as 7d or 12h, or a date such as 2026-01-31'
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
