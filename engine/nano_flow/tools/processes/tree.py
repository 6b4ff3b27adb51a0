"""Who is alive of what a command started: found by a mark that is inherited, and on Linux also by descent.

The mark is a limit on pending signals, lower than ours by a number that is the command's own: all descendants inherit
it, whatever process group, session or environment they make for themselves, and none of them notices it. Where
nano-flow owns its process it also adopts orphans: what a command leaves behind then becomes a child of nano-flow, and
is known by that nobody here started it. What this process starts by other ways stays in its session and is left alone.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from nano_flow.tools.processes.guard import guard

_LIMIT = getattr(resource, "RLIMIT_SIGPENDING", None)
_LIMIT_LINE = "Max pending signals"
_PLENTY = 100_000
"""Where there is no limit, marks begin here."""
_MARKS = 16_384
_ADOPT = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""
_DYING_S = 0.5
"""How long a killed process may take to die."""
_SECONDS = 5.0
"""How long something that multiplies is chased."""


class ProcessTree:
    """The processes that this run started, and the power to end all that came of them.

    ``adopt`` where nobody else starts processes in this one: what commands leave behind is then found by descent.
    """

    def __init__(self, *, adopt: bool = False) -> None:
        self._wanted = adopt
        self._adopts = False
        self._known: dict[int, int] = {}
        self._numbers = itertools.count(random.randrange(_MARKS))
        self._starting = 0

    @contextlib.contextmanager
    def starting(self) -> Iterator[int]:
        """The mark of a process that is started at once inside; until it is ``started`` it is no orphan."""
        guard()  # before we adopt orphans: it must not become one of ours
        if self._wanted:
            self._wanted, self._adopts = False, _become_reaper()
        self._starting += 1
        try:
            with _marked(next(self._numbers)) as mark:
                yield mark
        finally:
            self._starting -= 1

    def started(self, pid: int, mark: int) -> None:
        """``pid`` was started by us, in a session of its own, and carries ``mark``."""
        self._known[pid] = mark
        guard().began(pid, mark)

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to the group that ``pid`` leads."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)

    def end(self, pid: int) -> None:
        """Kill the group of ``pid`` and all that descends from it, until none is left."""
        mark = self._known.get(pid, 0)
        self.signal(pid, signal.SIGKILL)
        _await_death(pid)  # only then are its children orphans
        self._chase(pid, mark)

    def end_all(self) -> None:
        """Kill everything that was started, also what is just being started: nobody will wait for any of it."""
        for pid in self._known:
            self.signal(pid, signal.SIGKILL)
        for pid in list(self._known):
            self.end(pid)
            self.forget(pid)
        self._starting = 0
        self._chase(0, 0)

    def _chase(self, pid: int, mark: int) -> None:
        until = time.monotonic() + _SECONDS
        while self._kill_what_is_seen(pid, mark) and time.monotonic() < until:
            pass

    def _kill_what_is_seen(self, pid: int, mark: int) -> bool:
        """One look at the processes, newest first: each is killed as it is seen, before it can fork."""
        seen = False
        for survivor in self._alive(pid, mark):
            seen = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(survivor, signal.SIGKILL)
        return seen

    def forget(self, pid: int) -> None:
        """``pid`` has ended and was waited for."""
        if self._known.pop(pid, None) is not None:
            guard().over(pid)

    def _alive(self, pid: int, mark: int) -> Iterator[int]:
        """What is left of a command, besides ``pid`` itself."""
        if self._adopts and not self._has_children():
            return
        alone = self._adopts and not self._starting and set(self._known) <= {pid}
        own, session = os.getpid(), os.getsid(0)
        for process in _processes():
            state = _state(process) if process not in self._known else None
            if state is None or state.session == session or (self._adopts and state.parent != own):
                continue
            if state.over:
                if not self._starting:  # else it may be one of ours, over before we were told of its start
                    _bury(process, state)
            elif alone or (mark and _mark_of(process) == mark):
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


@dataclass(frozen=True, slots=True)
class _State:
    over: bool
    parent: int
    session: int


def _state(pid: int) -> _State | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # the program's name may hold anything
    except OSError:
        return None
    return _State(fields[0] in "ZX", int(fields[1]), int(fields[3]))


def _bury(pid: int, state: _State) -> None:
    if state.parent == os.getpid():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@functools.cache
def _own_limit(limit: int) -> tuple[int, int]:
    """As it was before it was lowered for the first time: starts may overlap."""
    return resource.getrlimit(limit)


@contextlib.contextmanager
def _marked(number: int) -> Iterator[int]:
    """Lower our own limit for a moment; 0 where the system has none to inherit, or no way to look at it."""
    if _LIMIT is None or sys.platform != "linux":
        yield 0
        return
    before = _own_limit(_LIMIT)
    plenty = _PLENTY if before[0] == resource.RLIM_INFINITY else before[0]
    mark = plenty - 1 - number % min(_MARKS, max(1, plenty // 2))
    resource.setrlimit(_LIMIT, (mark, before[1]))
    try:
        yield mark
    finally:
        resource.setrlimit(_LIMIT, before)


def _mark_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            line = next((line for line in file if line.startswith(_LIMIT_LINE)), "")
    except OSError:
        return -1
    words = line[len(_LIMIT_LINE) :].split()
    return int(words[0]) if words and words[0].isdigit() else -1
