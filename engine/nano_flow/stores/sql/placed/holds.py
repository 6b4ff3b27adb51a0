"""By what right a process writes the events of a run: it owns the run, or has a seat as one of its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nano_flow.stores.sql import lease
from nano_flow.stores.sql.database import Database
from nano_flow.stores.sql.rows import RunKey


class Hold(Protocol):
    """The right to write; whoever checks it holds the lock under which events of the run are numbered."""

    @property
    def run(self) -> RunKey:
        """Whose events."""

    def held(self, database: Database, now: float, *, renew: bool) -> bool:
        """Whether it still holds, inside a transaction; ``renew`` it where that is ours to do."""

    def release(self, database: Database) -> None:
        """Give it back."""

    def cancelled(self, database: Database) -> bool:
        """Whether somebody asked to cancel the run."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """A run that this process owns."""

    run: RunKey
    owner: lease.Owner

    def held(self, database: Database, now: float, *, renew: bool) -> bool:
        """Whether nobody has taken the run over."""
        run_id = self.run.run_id
        return lease.renew(database, run_id, self.owner, now) if renew else lease.holds(database, run_id, self.owner)

    def release(self, database: Database) -> None:
        """Others may own the run."""
        lease.release(database, self.run.run_id, self.owner)

    def cancelled(self, database: Database) -> bool:
        """Whether somebody asked to cancel the run."""
        query = "SELECT cancel_requested_at FROM runs WHERE run_id = ?"
        row = database.execute(query, (self.run.run_id,)).fetchone()
        return row is not None and row[0] is not None


@dataclass(frozen=True, slots=True)
class Seated:
    """A run of which this process does placed executions, as long as it has its seat; it renews that elsewhere."""

    run: RunKey
    token: str

    def held(self, database: Database, now: float, *, renew: bool) -> bool:
        """Whether nobody has taken the seat away: what it had is then done by others."""
        run = database.execute(f"SELECT 1 FROM runs WHERE run_id = ?{database.locking}", (self.run.run_id,)).fetchone()
        seat = database.execute(f"SELECT until FROM seats WHERE token = ?{database.locking}", (self.token,)).fetchone()
        return run is not None and seat is not None and float(seat[0]) >= now

    def release(self, database: Database) -> None:
        """The seat is given back by whoever sits there."""

    def cancelled(self, database: Database) -> bool:
        """Orders to stop come with each execution."""
        return False
