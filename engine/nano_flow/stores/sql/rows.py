"""From events to the rows of the store: one batch is one transaction, in as few statements as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nano_flow.core.events import (
    ABANDONED,
    ApprovalAnswered,
    ApprovalAsked,
    CacheHit,
    CallFailed,
    CallFinished,
    Event,
    PromptSent,
    RunFinished,
    RunStarted,
)
from nano_flow.core.messages import Usage
from nano_flow.core.refs import path_of
from nano_flow.core.secrets.masks import Masks
from nano_flow.ports.store import USAGE_FIELDS
from nano_flow.stores.codec import encode_event, encode_input, encode_json
from nano_flow.stores.sql.database import Column, Database
from nano_flow.stores.sql.texts import TextRow, Texts, write

Values = Sequence[Column]
Statement = tuple[str, Values]

EVENT_COLUMNS = ("run_id", "seq", "kind", "address", "at", "body")
LEDGER_COLUMNS = (
    *("run_id", "seq", "workflow", "step", "address", "turn", "attempt", "model", "provider", "requested"),
    *("outcome", "error", "at", "day", "duration_s", "cost", "possibly_spent", "saved", "simulated"),
    *USAGE_FIELDS,
    *("measured", "price_entry", "unpriced"),
)
_CHUNKS = (128, 32, 8, 2, 1)
"""Rows per statement. Each statement gives the interpreter's lock away once; with one row each, a busy event loop
takes it back every time, and a batch of 500 rows takes a second instead of milliseconds."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """What every row of a run repeats."""

    run_id: str
    workflow: str


@dataclass(slots=True)
class Batch:
    """Rows of events of one run, ready to be written."""

    run: RunKey
    seq: int
    """The number of the first event."""
    events: list[Values] = field(default_factory=list)
    ledger: list[Values] = field(default_factory=list)
    changes: list[Statement] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)
    said: list[TextRow] = field(default_factory=list)

    def add(self, event: Event, masks: Masks = ()) -> None:
        """Take one event, and what was taken out of it. Raises ValueError where it cannot be stored."""
        seq = self.seq + len(self.events)
        if isinstance(event, PromptSent):
            event, rows = self.texts.taken(event)
            self.said += rows
            masks = ()  # a text with a mask stays masked: only reports read it
        kind, address, at, body = encode_event(event, masks)
        self.events.append((self.run.run_id, seq, kind, column(address), at, body))
        paid = _PAID.get(kind)
        if paid is not None:
            self.ledger.append(_ledger_row(self.run, seq, paid(event)))
        change = _CHANGES.get(kind)
        if change is not None:
            self.changes.append(change(self.run.run_id, event))

    def numbered_from(self, seq: int) -> int:
        """Let the first event have the number ``seq``, which is returned."""
        shift = seq - self.seq
        if shift:
            self.seq = seq
            for rows in (self.events, self.ledger):
                rows[:] = [(row[0], int(str(row[1])) + shift, *row[2:]) for row in rows]
        return seq

    def write(self, database: Database) -> None:
        """Write all rows, inside a transaction of the caller's."""
        insert_rows(database, "events", EVENT_COLUMNS, self.events)
        insert_rows(database, "ledger", LEDGER_COLUMNS, self.ledger)
        for statement, values in self.changes:
            database.execute(statement, values)
        write(database, self.said)


def batch_of(run: RunKey, seq: int, events: Iterable[tuple[Event, Masks]], texts: Texts | None = None) -> Batch:
    """The batch of ``events``, numbered from ``seq``; ``texts`` knows what of them the store has already."""
    batch = Batch(run, seq, texts=texts or Texts())
    for event, masks in events:
        batch.add(event, masks)
    return batch


def next_seq(database: Database, run_id: str) -> int:
    """The number that the next event of a run gets."""
    row = database.execute("SELECT max(seq) FROM events WHERE run_id = ?", (run_id,)).fetchone()
    return 0 if row is None or row[0] is None else int(row[0]) + 1


def insert_rows(database: Database, table: str, columns: Sequence[str], rows: Sequence[Values], tail: str = "") -> None:
    """Insert ``rows``, many in a statement; ``tail`` says what becomes of those that are there already."""
    one = "(" + ",".join("?" * len(columns)) + ")"
    head = f"INSERT INTO {table} ({','.join(columns)}) VALUES "
    start = 0
    for size in _CHUNKS:
        statement = head + ",".join([one] * size) + tail if len(rows) - start >= size else ""
        while len(rows) - start >= size:
            values = [value for row in rows[start : start + size] for value in row]
            database.execute(statement, values)
            start += size


@dataclass(frozen=True, slots=True)
class _Paid:
    """One attempt as the ledger sees it."""

    event: CallFinished | CallFailed | CacheHit
    outcome: str
    cost: int | None
    usage: Usage
    simulated: bool
    attempt: int = 0
    requested: str = ""
    error: str = ""
    duration_s: float = 0.0
    possibly_spent: int = 0
    saved: int = 0
    price_entry: str = ""
    unpriced: str = ""


def _finished(event: Event) -> _Paid:
    assert isinstance(event, CallFinished)
    reply = event.reply
    return _Paid(
        event,
        "finished",
        event.cost,
        reply.usage,
        reply.simulated,
        attempt=event.attempt,
        requested=event.requested,
        duration_s=event.duration_s,
        possibly_spent=event.reserved if event.cost is None else 0,
        price_entry=event.price_entry,
        unpriced=event.unpriced,
    )


def _failed(event: Event) -> _Paid:
    assert isinstance(event, CallFailed)
    return _Paid(
        event,
        ABANDONED if event.error == ABANDONED else "failed",
        event.cost,
        event.usage or Usage(measured=False),
        event.simulated,
        attempt=event.attempt,
        error=event.error,
        duration_s=event.duration_s,
        possibly_spent=event.possibly_spent,
        unpriced=event.unpriced,
    )


def _cached(event: Event) -> _Paid:
    """A cached reply used no tokens now; what it had used is in the row of the call that paid for it."""
    assert isinstance(event, CacheHit)
    return _Paid(event, "cached", 0, Usage(), event.reply.simulated, requested=event.requested, saved=event.saved)


def _ledger_row(run: RunKey, seq: int, paid: _Paid) -> Values:
    event, usage = paid.event, paid.usage
    return (
        run.run_id,
        seq,
        run.workflow,
        path_of(event.address),
        column(event.address),
        event.turn,
        paid.attempt,
        column(event.model),
        column(event.model.partition("/")[0]),
        column(paid.requested),
        paid.outcome,
        column(paid.error),
        event.at,
        datetime.fromtimestamp(event.at, UTC).date().isoformat(),
        paid.duration_s,
        paid.cost,
        paid.possibly_spent,
        paid.saved,
        paid.simulated,
        *(getattr(usage, name) for name in USAGE_FIELDS),
        usage.measured,
        paid.price_entry,
        column(paid.unpriced),
    )


def column(text: str) -> str:
    """A text that every database takes; halves of surrogate pairs and NUL are written out, JSON bodies keep them."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _started(run_id: str, event: Event) -> Statement:
    return ("UPDATE runs SET status = 'running', finished_at = NULL WHERE run_id = ?", (run_id,))


def _ended(run_id: str, event: Event) -> Statement:
    assert isinstance(event, RunFinished)
    return (
        "UPDATE runs SET status = ?, finished_at = ?, active_s = active_s + ?, error = ?, stop_reason = ?,"
        " stop_address = ? WHERE run_id = ?",
        (
            event.status,
            event.at,
            event.duration_s,
            None if event.error is None else column(event.error),
            event.stop_reason,
            event.stop_address,
            run_id,
        ),
    )


def _asked(run_id: str, event: Event) -> Statement:
    assert isinstance(event, ApprovalAsked)
    schema = None if event.input_schema is None else encode_json(event.input_schema, "approval", event.address)
    options = encode_json(event.options, "approval", event.address)
    return (
        "INSERT INTO approvals (run_id, address, message, options, input_schema, asked_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, address) DO UPDATE SET message = excluded.message,"
        " options = excluded.options, input_schema = excluded.input_schema, asked_at = excluded.asked_at,"
        " expires_at = excluded.expires_at, decision = NULL, input = NULL, comment = NULL, answered_by = NULL,"
        " answered_at = NULL WHERE excluded.asked_at > approvals.asked_at",
        (run_id, event.address, column(event.message), options, schema, event.at, event.expires_at),
    )


def _answered(run_id: str, event: Event) -> Statement:
    assert isinstance(event, ApprovalAnswered)
    value = encode_input(event.input, (), event.address)
    return (
        "UPDATE approvals SET decision = ?, input = ?, comment = ?, answered_by = ?, answered_at = ?"
        " WHERE run_id = ? AND address = ? AND decision IS NULL",
        (*map(column, (event.decision, value, event.comment, event.by)), event.at, run_id, event.address),
    )


_PAID: Mapping[str, Callable[[Event], _Paid]] = {
    "CallFinished": _finished,
    "CallFailed": _failed,
    "CacheHit": _cached,
}
_CHANGES: Mapping[str, Callable[[str, Event], Statement]] = {
    RunStarted.__name__: _started,
    RunFinished.__name__: _ended,
    ApprovalAsked.__name__: _asked,
    ApprovalAnswered.__name__: _answered,
}
