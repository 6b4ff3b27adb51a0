"""The owner's end of the line to the ``warden``: which commands run, told in single writes."""

from __future__ import annotations

import functools
import os
import sys
from contextlib import suppress
from pathlib import Path

_WARDEN = Path(__file__).with_name("warden.py")


class Guard:
    """Tells the warden what began and what is over; without one (it could not start) nothing is told."""

    def __init__(self, line: int | None) -> None:
        self._line = line

    def began(self, pid: int, mark: int) -> None:
        """``pid`` leads a session of its own."""
        self._tell(f"+{pid} {mark}\n")

    def over(self, pid: int) -> None:
        """Nothing of it is left."""
        self._tell(f"-{pid}\n")

    def _tell(self, text: str) -> None:
        if self._line is not None:
            with suppress(OSError):  # a warden that somebody killed is missed only where we are killed, too
                os.write(self._line, text.encode("ascii"))


@functools.cache
def guard() -> Guard:
    """The one of this process; the warden is started when the first command is."""
    if sys.platform == "win32":
        return Guard(None)
    reading, writing = os.pipe()
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        try:
            actions = [
                (os.POSIX_SPAWN_DUP2, reading, 0),
                (os.POSIX_SPAWN_DUP2, quiet, 1),
                (os.POSIX_SPAWN_DUP2, quiet, 2),
            ]
            argv = [sys.executable, "-I", "-S", str(_WARDEN)]
            pid = os.posix_spawn(sys.executable, argv, {"PATH": os.defpath}, file_actions=actions)
        finally:
            os.close(quiet)
        os.waitpid(pid, 0)  # it goes on as nobody's child
    except OSError:
        os.close(writing)
        return Guard(None)
    finally:
        os.close(reading)
    return Guard(writing)
