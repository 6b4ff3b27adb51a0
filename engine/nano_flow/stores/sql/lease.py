"""One owner per run: who it is, whether it still lives, and how the run is taken over when it does not."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import RunTaken, UsageError
from nano_flow.ports.store import RunSummary
from nano_flow.stores.sql.database import Database, Row

LEASE_VARIABLE = "NANO_FLOW_LEASE"
"""Seconds that a lease lasts; the same for all processes of a store."""
LEASE_SECONDS = max(1.0, float(os.environ.get(LEASE_VARIABLE) or 30.0))
HEARTBEAT_SECONDS = LEASE_SECONDS / 6
PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds a run. ``host`` names the machine, its boot and its space of process ids."""

    token: str
    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.partition(' ')[0]}"


def this_process() -> Owner:
    """This process, with a token of its own for each lease."""
    pid = os.getpid()
    return Owner(uuid.uuid4().hex, this_host(), pid, start_of(pid))


def holder(row: Row, now: float) -> Owner | None:
    """Who holds the run of ``row`` and is alive; None where it is free to take."""
    if row["owner_token"] is None or row["owner_until"] is None:
        return None
    owner = Owner(row["owner_token"], row["owner_host"], row["owner_pid"], row["owner_started"])
    if owner.host == this_host():
        # On this machine it can be seen whether it lives: a clock that jumps, or a laptop that slept, decides nothing.
        return owner if start_of(owner.pid) == owner.started else None
    return None if row["owner_until"] < now else owner


def take(database: Database, run_id: str, owner: Owner, now: float) -> None:
    """Make ``owner`` the holder of ``run_id``, inside a transaction. Raises UsageError where another one lives."""
    row = database.execute(f"SELECT {OWNER_COLUMNS} FROM runs WHERE run_id = ?{database.locking}", (run_id,)).fetchone()
    held_by = None if row is None else holder(row, now)
    if held_by is not None:
        raise UsageError(
            f'run "{run_id}" is at work in {held_by}; wait for it, or stop it with "nano-flow runs cancel {run_id}"'
        )
    database.execute(
        "UPDATE runs SET owner_token = ?, owner_host = ?, owner_pid = ?, owner_started = ?, owner_until = ?,"
        " cancel_requested_at = NULL WHERE run_id = ?",
        (owner.token, owner.host, owner.pid, owner.started, now + LEASE_SECONDS, run_id),
    )


def check_unchanged(database: Database, seen: RunSummary) -> None:
    """Raise RunTaken where a run is not as it was ``seen``, inside the transaction that takes it."""
    query = f"SELECT status, finished_at, {OWNER_COLUMNS} FROM runs WHERE run_id = ?{database.locking}"
    row = database.execute(query, (seen.run_id,)).fetchone()
    wanted = ("queued",) if seen.status == "queued" else ("paused", "running")
    same = row is not None and row["status"] in wanted and row["finished_at"] == seen.finished_at
    if row is None or not same or holder(row, database.now()) is not None:
        raise RunTaken(f'run "{seen.run_id}" was taken up by somebody else')


def renew(database: Database, run_id: str, owner: Owner, now: float) -> bool:
    """Hold on for another ``LEASE_SECONDS``; False where the run has another holder by now."""
    cursor = database.execute(
        "UPDATE runs SET owner_until = ? WHERE run_id = ? AND owner_token = ?",
        (now + LEASE_SECONDS, run_id, owner.token),
    )
    return cursor.rowcount == 1


def holds(database: Database, run_id: str, owner: Owner) -> bool:
    """True while ``owner`` is the holder of ``run_id``; nobody can take it before the transaction is over."""
    row = database.execute(f"SELECT owner_token FROM runs WHERE run_id = ?{database.locking}", (run_id,)).fetchone()
    return row is not None and row[0] == owner.token


def release(database: Database, run_id: str, owner: Owner) -> None:
    """Give ``run_id`` back, if it is still held."""
    database.execute(
        "UPDATE runs SET owner_token = NULL, owner_until = NULL WHERE run_id = ? AND owner_token = ?",
        (run_id, owner.token),
    )


OWNER_COLUMNS = "owner_token, owner_host, owner_pid, owner_started, owner_until"


def this_host() -> str:
    """This machine: a process id means something only here, since the same boot, in the same container."""
    boot = namespace = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()} {boot} {namespace}".rstrip()


def start_of(pid: int) -> str:
    """When process ``pid`` began, in the kernel's ticks, so that a reused id is not mistaken; "" where it is gone."""
    try:
        stat = (PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if (PROCESSES / "self").exists() else _signal(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def _signal(pid: int) -> str:
    """Without ``/proc``, whether the process exists is all that can be known."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
