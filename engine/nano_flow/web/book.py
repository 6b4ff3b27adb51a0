"""What the pages and the API read of the store: runs folded once, and from then on only their new events."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.ports.store import RunSummary, Store, StoreReader
from nano_flow.views.document import run_document
from nano_flow.views.report import RunView, planned_rows
from nano_flow.web.curve import MoneyCurve

_KEPT = 16
"""Runs whose fold is kept; any other is folded again when somebody looks at it."""


@dataclass(slots=True)
class Fold:
    """A run as far as it was read. Hold ``lock`` while the view is looked at."""

    view: RunView
    seq: int = -1
    lock: threading.Lock = field(default_factory=threading.Lock)
    money: MoneyCurve = field(default_factory=MoneyCurve)
    document: Mapping[str, Json] | None = None
    """The run's document as of ``seq``."""
    shown: dict[str, object] | None = None
    """What was made of the document to be shown; whoever makes it keeps it here, and it goes with the next event."""


class Book:
    """Reads one store for many readers, each in a thread of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._folds: OrderedDict[str, Fold] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def reader(self) -> Iterator[StoreReader | None]:
        """A reader; None before anything was ever written."""
        if not self.store.exists():
            yield None
            return
        with self.store.reader() as reader:
            yield reader

    def run(self, name: str) -> RunSummary:
        """The run that ``name`` means. Raises UsageError."""
        with self.reader() as reader:
            if reader is None:
                raise UsageError(f'there is no run "{name}"; "nano-flow run FILE" makes one')
            return reader.find_run(name)

    @contextmanager
    def fold(self, run_id: str) -> Iterator[Fold]:
        """The run as it stands now. Raises UsageError where there is none."""
        with self._lock:
            fold = self._folds.get(run_id)
            if fold is not None:
                self._folds.move_to_end(run_id)
        with self.reader() as reader:
            if reader is None:
                raise UsageError(f'there is no run "{run_id}"')
            summary = reader.find_run(run_id)
            if fold is None:
                fold = self._keep(run_id, reader)
            with fold.lock:
                self._read_on(fold, reader, summary)
                yield fold

    def document(self, run_id: str) -> Mapping[str, Json]:
        """The ``nano-flow/run@1`` of a run as it stands now. Raises UsageError."""
        with self.fold(run_id) as fold:
            return fold.document or {}

    def _keep(self, run_id: str, reader: StoreReader) -> Fold:
        record = reader.run_record(run_id)
        fold = Fold(RunView(planned_rows(record.kinds) if record is not None else ()))
        fold.view.head = record
        with self._lock:
            fold = self._folds.setdefault(run_id, fold)
            while len(self._folds) > _KEPT:
                self._folds.popitem(last=False)
        return fold

    @staticmethod
    def _read_on(fold: Fold, reader: StoreReader, summary: RunSummary) -> None:
        seq, gone = fold.seq, summary.owner is None
        for number, event in reader.events_of(summary.run_id, fold.seq):
            seq = number
            fold.view.apply(event)
            fold.money.apply(event)
        if fold.document is None or seq != fold.seq or gone != fold.view.owner_is_gone:
            fold.view.owner_is_gone = gone
            fold.document, fold.shown = run_document(fold.view), None
        fold.seq = seq
