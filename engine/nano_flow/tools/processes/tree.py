"""Who is alive of what a command started: found by a mark in the environment, and on Linux also by descent.

A mark is inherited by all descendants, whatever process group or session they make for themselves; only a program that
clears its environment loses it. Where nano-flow owns its process it also adopts orphans: what a command leaves behind
then becomes a child of nano-flow, and is known by that nobody here started it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator

MARK = "NANO_FLOW_STEP"
"""Variable that holds the mark."""

_ADOPT = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""
_DYING_S = 0.5
"""How long a killed process may take to die."""
_SECONDS = 5.0
"""How long something that multiplies is chased."""


class ProcessTree:
    """The processes that this run started, and the power to end all that came of them."""

    def __init__(self, *, adopt: bool = False) -> None:
        self._wanted = adopt
        self._adopts = False
        self._known: dict[int, str] = {}
        self._starting = 0

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Something is being started; until it is ``started`` it must not be taken for an orphan."""
        if self._wanted:
            self._wanted, self._adopts = False, _become_reaper()
        self._starting += 1
        try:
            yield
        finally:
            self._starting -= 1

    def started(self, pid: int, mark: str) -> None:
        """``pid`` was started by us, in a session of its own, and carries ``mark``."""
        self._known[pid] = mark

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to the group that ``pid`` leads."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)

    def end(self, pid: int) -> None:
        """Kill the group of ``pid`` and all that descends from it, until none is left."""
        mark = self._known.get(pid, "")
        self.signal(pid, signal.SIGKILL)
        _await_death(pid)  # only then are its children orphans
        until = time.monotonic() + _SECONDS
        while self._kill_what_is_seen(pid, mark) and time.monotonic() < until:
            pass

    def _kill_what_is_seen(self, pid: int, mark: str) -> bool:
        """One look at the processes, newest first: each is killed as it is seen, before it can fork."""
        seen = False
        for survivor in self._alive(pid, mark):
            seen = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(survivor, signal.SIGKILL)
        return seen

    def forget(self, pid: int) -> None:
        """``pid`` has ended and was waited for."""
        self._known.pop(pid, None)

    def _alive(self, pid: int, mark: str) -> Iterator[int]:
        """What is left of a command, besides ``pid`` itself."""
        if self._adopts and not self._has_children():
            return
        alone = self._adopts and not self._starting and set(self._known) <= {pid}
        for process in _processes():
            if process in self._known:
                continue
            if self._adopts:
                orphan, over = _is_orphan(process)
                if not orphan:
                    continue
                if over:
                    _bury(process)
                    continue
            if alone or _carries(process, mark):
                yield process

    def _has_children(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return True
        return False


def _await_death(pid: int) -> None:
    """Wait for a killed child of ours, without taking its exit code from whoever waits for that."""
    until = time.monotonic() + _DYING_S
    with contextlib.suppress(ChildProcessError):
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < until:
            time.sleep(0.001)


def _become_reaper() -> bool:
    """Adopt orphans of descendants from now on; False where the system does not have that."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0) == 0)


def _processes() -> list[int]:
    try:
        return sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)
    except OSError:
        return []


def _is_orphan(pid: int) -> tuple[bool, bool]:
    """Whether ``pid`` is a child that somebody else started, and whether it is over.

    What this process starts by other ways stays in its session; what descends from a command never does.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # the program's name may hold anything
    except OSError:
        return False, False
    state, parent, session = fields[0], int(fields[1]), int(fields[3])
    return parent == os.getpid() and session != os.getsid(0), state in "ZX"


def _bury(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _carries(pid: int, mark: str) -> bool:
    if not mark:
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{MARK}={mark}".encode() in file.read().split(b"\0")
    except OSError:
        return False
