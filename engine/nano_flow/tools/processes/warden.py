"""Outlives nano-flow by a moment and ends the commands that it left behind, however it died.

It is a process of its own that only reads: ``+PID MARK`` for a command that began, ``-PID`` for one that is over. The
end of its input is the death of its owner. It is run by its path, so it imports nothing of nano-flow.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

_LIMIT_LINE = "Max pending signals"
_CHASE_S = 3.0


def watch() -> None:
    """Read what the owner tells until it is gone, then end what it had not ended."""
    if os.fork():
        os._exit(0)  # nobody's child: the owner counts its children to see whether a command left some
    os.setpgid(0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    running: dict[int, int] = {}
    with os.fdopen(0, "r", encoding="ascii", closefd=False) as told:
        for line in told:
            words = line[1:].split()
            if line.startswith("+"):
                running[int(words[0])] = int(words[1])
            else:
                running.pop(int(words[0]), None)
    if running:
        end(running)


def end(running: dict[int, int]) -> None:
    """Kill the groups of the commands, and on Linux all that came of them, until nothing is left."""
    for pid in running:
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    until = time.monotonic() + _CHASE_S
    while time.monotonic() < until and (found := survivors(running)):
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def survivors(running: dict[int, int]) -> list[int]:
    """What is alive of the commands: in their sessions, or with their mark and nobody else's process above them."""
    if sys.platform != "linux":
        return []
    states = {pid: state for name in os.listdir("/proc") if name.isdigit() and (state := _state(pid := int(name)))}
    marks = {mark for mark in running.values() if mark}
    ours = {pid for pid, (_, session) in states.items() if session in running}
    marked = {pid for pid in states if pid in ours or (marks and _mark(pid) in marks)}
    top = os.getppid()  # who took over the orphans of the owner took over us, too
    for pid in marked:
        above = pid
        while above in marked:
            above = states[above][0] if above in states else 0
        if above in (top, 1):
            ours.add(pid)
    return sorted(ours - {os.getpid()}, reverse=True)


def _state(pid: int) -> tuple[int, int] | None:
    """Parent and session of a living process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[3]))


def _mark(pid: int) -> int:
    with suppress(OSError), open(f"/proc/{pid}/limits", encoding="ascii") as file:
        for line in file:
            if line.startswith(_LIMIT_LINE):
                word = line[len(_LIMIT_LINE) :].split()[0]
                return int(word) if word.isdigit() else -1
    return -1


if __name__ == "__main__":
    watch()
