"""Placed executions: steps that a run leaves to whichever worker has the label, and the seats of those workers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nano_flow.ports.journal import Journal, RecordedWork

ANY = "any"
"""The label that every worker has."""

HandedState = Literal["done", "waiting", "held"]
"""``done`` has an outcome, ``waiting`` waits for a person or a time, ``held`` was stopped before its end."""


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """An execution that is to be done elsewhere. ``body`` and the scope's body are JSON texts without secrets.

    ``scope`` names what many executions share; ``asked`` is a digest of all that it was given: a result of an earlier
    life serves the same question only.
    """

    address: str
    label: str
    scope: str
    asked: str
    body: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """An execution that this worker has taken. ``past`` is the last event that may tell of earlier lives; -1: none.

    ``life`` names the life of the run: each has documents, options and a budget of its own.
    """

    run_id: str
    address: str
    scope: str
    body: str
    past: int
    life: str = ""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What became of an execution; ``number`` grows with every one that is handed in."""

    address: str
    state: HandedState
    outcome: str
    number: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A worker at its place, until ``until`` (seconds since 1970 by the store's clock)."""

    token: str
    name: str
    labels: tuple[str, ...]
    runs: int
    until: float


@dataclass(frozen=True, slots=True)
class StopOrder:
    """An execution of ours that its owner wants stopped; ``how`` is JSON."""

    run_id: str
    address: str
    how: str


class PlacedStore(Protocol):
    """What a store knows of placed executions; every method blocks, and may raise StoreError."""

    @property
    def lease_s(self) -> float:
        """How long a seat is held without being renewed."""

    def enlist(self, name: str, labels: Collection[str], runs: int) -> str:
        """A seat for this process; its token."""

    def renew(self, token: str) -> bool:
        """Hold on to the seat; False where it was taken away: whatever is written under it is refused."""

    def leave(self, token: str) -> None:
        """Give the seat back; what it still has is done by others."""

    def seats(self) -> list[Seat]:
        """The workers that are alive."""

    def claim(self, token: str, labels: Collection[str], most: int) -> list[Claimed]:
        """Take up to ``most`` executions, those first that wait longest; only of runs whose owner lives."""

    def give_back(self, token: str, claimed: Claimed) -> None:
        """Let others do an execution of the seat, where it still has that."""

    def refuse(self, token: str, claimed: Claimed, outcome: str) -> None:
        """Hand in the failure of an execution that could not even be begun."""

    def stops(self, token: str) -> list[StopOrder]:
        """Which of the seat's executions are to be stopped."""

    def sweep(self) -> list[str]:
        """Take away the seats of workers that are gone, and let others do their executions; their names."""

    def scope(self, run_id: str, name: str) -> str:
        """The body of a scope. ValueError where it is gone."""

    def handed_in(self, run_id: str, after: int) -> list[HandedIn]:
        """What was handed in with a number of ``after`` or more, in that order, some hundreds at a time."""

    def newest(self, run_id: str) -> int:
        """The number of the run's last event; -1 where there is none."""

    def forget(self, run_id: str, addresses: Sequence[str] | None = None) -> None:
        """Drop what is known of placed executions of a run: of all, or of some."""

    def known(self, run_id: str) -> list[str]:
        """The addresses of all placed executions of a run."""

    def close(self) -> None:
        """Let its connection go."""

    def journal(self, run_id: str, workflow: str, token: str) -> PlacedJournal:
        """Writes events of a run under the fence of a seat."""

    def past(self, run_id: str, address: str) -> tuple[RecordedWork, int]:
        """What earlier lives did at and below ``address``, and the number of the last event that was looked at."""


class PlacedJournal(Journal, Protocol):
    """The journal of a run that several processes write."""

    def share(self) -> None:
        """From now on others write events of this run, too."""

    def place(self, row: PlacedRow, scope: str | None = None, *, again: bool = False) -> None:
        """Leave an execution to others; a ``scope`` that is new comes with the first row that names it.

        ``again`` where earlier lives of the run may have done something at its address.
        """

    def withdraw(self, address: str, how: str) -> None:
        """Nobody shall begin the execution, and whoever has it shall stop."""

    def hand_in(self, address: str, state: HandedState, outcome: str, *, good: bool) -> None:
        """What became of an execution that this seat has, written with all events that were recorded before."""
