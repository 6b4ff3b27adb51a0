"""What is remembered of all runs: the store, what readers may ask of it, and the answers, as types of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from nano_flow.core.events import ApprovalAnswered, Event
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.core.secrets.masks import Lookup
from nano_flow.ports.budgets import Bound, Charge, Drawn
from nano_flow.ports.journal import Journal, RunRecord
from nano_flow.ports.placed import PlacedStore
from nano_flow.ports.whole import DayRow as DayRow
from nano_flow.ports.whole import Grouping as Grouping
from nano_flow.ports.whole import ObservedRow as ObservedRow
from nano_flow.ports.whole import SpendRow as SpendRow
from nano_flow.ports.whole import StoredRow, StoreFacts
from nano_flow.ports.whole import UnpricedRow as UnpricedRow


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; None is all. ``since`` is in seconds since 1970."""

    workflow: str | None = None
    status: str | None = None
    since: float | None = None
    limit: int | None = None
    after: str | None = None
    """Only runs that come after this one in the list, which goes from new to old: the next page."""


ALL_RUNS = RunFilter()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of ``runs list``. A run whose process died is ``paused`` by a ``crash``."""

    run_id: str
    workflow: str
    file: str
    created_at: float
    finished_at: float | None
    duration_s: float
    status: str
    simulated: bool
    error: str | None
    stop_reason: str | None
    stop_address: str | None
    owner: str | None
    """Who is at work on it right now, in words."""
    cost: Money
    possibly_spent: Money
    simulated_cost: Money
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question to people that nobody has answered yet."""

    run_id: str
    workflow: str
    address: str
    message: str
    options: tuple[str, ...]
    input_schema: Json
    asked_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody decided on the question at ``address``."""

    address: str
    decision: str
    by: str
    input: Json = None
    comment: str = ""
    around: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Variables that are known where it is given: secrets among them are taken out before it is stored."""


USAGE_FIELDS = (
    *("input_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    *("output_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens"),
)
LEDGER_FIELDS = (
    *("run_id", "seq", "workflow", "step", "address", "turn", "attempt", "model", "provider", "requested"),
    *("outcome", "error", "day", "duration_s"),
    *USAGE_FIELDS,
    *("price_entry", "unpriced", "at", "cost_usd", "possibly_spent_usd", "saved_usd", "simulated", "measured"),
)
"""The fields of ``StoreReader.ledger``, in their order: the heading of an export."""


class StoreReader(AbstractContextManager["StoreReader"], Protocol):
    """Questions to one store. Every answer is of the moment it was asked in; every method may raise StoreError."""

    def list_runs(self, wanted: RunFilter = ALL_RUNS) -> list[RunSummary]:
        """Runs, newest first."""

    def find_run(self, name: str) -> RunSummary:
        """The run that ``name`` (an id, a unique prefix, ``last``) means. Raises UsageError."""

    def run_record(self, run_id: str, lookup: Lookup | None = None) -> RunRecord | None:
        """The head of a run, with its documents; with a ``lookup`` secrets are put back (else ``***``)."""

    def events_of(
        self,
        run_id: str,
        after: int = -1,
        kinds: Collection[type[Event]] | None = None,
        *,
        address: str | None = None,
    ) -> Iterator[tuple[int, Event]]:
        """The events of a run with their numbers, of all ``kinds`` or some, from the one after ``after`` on.

        With an ``address`` only those of that execution.
        """

    def spend(self, by: Grouping, since: float | None = None) -> list[SpendRow]:
        """Sums of the ledger by workflow, step, model, provider, day or run."""

    def spend_by_day(self, by: Grouping, since: float | None = None) -> list[DayRow]:
        """Spend of each group on each day on which it had any, by day and group."""

    def unpriced(self, since: float | None = None) -> list[UnpricedRow]:
        """Calls without a price."""

    def ledger(self, run_id: str | None = None, since: float | None = None) -> Iterator[dict[str, Json]]:
        """The rows of the ledger, oldest first: money as decimal strings, times in RFC 3339."""

    def observed(self, before: float) -> list[ObservedRow]:
        """How long the newest calls before ``before`` took and how much they wrote, by model."""

    def marks(self, kind: str, names: Collection[str] | None = None) -> dict[str, Mark]:
        """The marks of ``kind``, by name: all, or those of ``names``."""

    def drawn(self, bounds: Sequence[Bound]) -> list[Drawn]:
        """What each bound has so far."""

    def pending_approvals(self, run_id: str | None = None) -> list[OpenQuestion]:
        """Questions that wait for an answer, oldest first, of all runs or of one."""

    def texts(self, digests: Collection[str]) -> dict[str, str]:
        """What was said to models (``PromptSent.messages``), by digest; what was dropped is not there."""

    def approval_answers(self, run_id: str, lookup: Lookup | None = None) -> dict[str, ApprovalAnswered]:
        """What was decided in a run, by address; with a ``lookup`` secrets are put back (else ``***``)."""

    def close(self) -> None:
        """Let the store go."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that is remembered by name: a schedule that was due, a delivery that came, where a run is from.

    Where it matters who was first, ``value`` tells the makers apart: it names the run that was to be made.
    """

    kind: str
    name: str
    at: float
    value: str = ""


class StoreWatch(Protocol):
    """Notices that something was written."""

    def version(self) -> int:
        """A number that differs from the one before where somebody else has written meanwhile. Raises StoreError."""

    def wait(self, seconds: float) -> bool:
        """Return once somebody else may have written, at the latest after ``seconds``. Blocks. Raises StoreError."""

    def close(self) -> None:
        """Let the store go."""


class Store(Protocol):
    """Where runs are remembered. Opening it is cheap; every method may raise StoreError."""

    @property
    def place(self) -> str:
        """Its path or address, for people; never with a password."""

    @property
    def placed(self) -> PlacedStore:
        """The executions that runs leave to workers, and those workers."""

    @property
    def embedded(self) -> bool:
        """True where nobody on another machine can reach it."""

    def exists(self) -> bool:
        """False where nothing was ever written: there is nothing to read then, and reading would be an error."""

    def create_run(self, record: RunRecord) -> Journal:
        """Write the head of a new run and own it."""

    def reopen_run(
        self, run_id: str, lookup: Lookup | None = None, seen: RunSummary | None = None
    ) -> tuple[RunRecord, Journal]:
        """Own a run that ended, paused or died. Raises UsageError where there is none or somebody else has it.

        With a ``lookup`` secrets are put back into what is read again; UsageError where one is gone.
        Raises RunTaken where it is not any more as it was ``seen``: of several workers that see it one takes it.
        Calls whose end is unknown get one here: they failed as ``abandoned``, their worst case possibly spent.
        """

    def queue_run(self, record: RunRecord, marks: Sequence[Mark] = ()) -> Mark | None:
        """Write the head of a run that whoever works on this store may take, and ``marks`` with it, or nothing at all.

        Returns the mark that was there already where one of ``marks`` was: then nothing is written.
        """

    def requeue_run(self, run_id: str) -> bool:
        """Let whoever works on this store go on with a run that nobody owns; False where somebody does."""

    def mark(self, mark: Mark) -> Mark:
        """Keep ``mark`` unless there is one of its kind and name already. Which one is there now."""

    def remember(self, mark: Mark) -> None:
        """Keep ``mark`` in the place of what was there."""

    def forget_marks(self, kind: str, before: float) -> int:
        """Drop the marks of ``kind`` from before then. How many it were."""

    def charge(self, charge: Charge, bounds: Sequence[Bound]) -> tuple[bool, list[Drawn]]:
        """Set a charge aside in all bounds, or in none: whether it fits, and what each bound had before."""

    def settle_charge(self, charge: Charge) -> None:
        """What the call cost takes the place of what was set aside for it."""

    def forget_charges(self, before: float) -> int:
        """Drop the charges from before then: no window of a budget reaches so far back. How many it were."""

    def change_run(self, record: RunRecord) -> None:
        """Keep the documents and options with which a run goes on."""

    def request_cancel(self, run_id: str) -> None:
        """Ask whoever owns ``run_id`` to cancel it; it is seen within a quarter of a second."""

    def answer_approval(self, run_id: str, answer: Answer) -> None:
        """Write down what a person decided; the run sees it at once, or when it is resumed. Raises UsageError."""

    def delete_runs(self, run_ids: list[str], *, ledger: bool = False) -> int:
        """Delete runs that nobody works on; their spend stays in the ledger unless ``ledger``. How many it were."""

    def compact(self) -> None:
        """Give the space of deleted runs back, where that can be done now."""

    def watch(self) -> StoreWatch:
        """Notices what others write; asking is cheap, many times a second."""

    def reader(self) -> StoreReader:
        """A view that changes nothing; close it, or use it in a ``with`` statement."""

    def facts(self) -> StoreFacts:
        """What it is and holds."""

    def faults(self) -> Iterator[str]:
        """What is wrong with it, one sentence each; nothing where all is well."""

    def rows(self) -> Iterator[StoredRow]:
        """All that another store needs to be like this one."""

    def fill(self, source: Store) -> StoreFacts:
        """Add all that ``source`` holds and this store does not; what it holds now. Raises StoreError."""
