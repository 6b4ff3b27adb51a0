"""The workers of a server: processes of this machine that end with it, and are started again where one dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from nano_flow.operations.place import Place

_REST_SECONDS = 1.0
_DRAIN_SECONDS = 20.0


class WorkerProcesses:
    """Keeps ``count`` workers alive."""

    def __init__(self, place: Place, count: int) -> None:
        self._command = command_of(place)
        self._folder = place.current
        self._count = count
        self._alive: set[asyncio.subprocess.Process] = set()
        self._ending = False

    async def run(self) -> None:
        """Until ``close``: a worker that ends is replaced, after a moment, so that a broken one costs little."""
        await asyncio.gather(*(self._keep_one() for _ in range(self._count)))

    async def close(self) -> None:
        """Tell all of them to end, and wait until their runs are given back."""
        self._ending = True
        for process in self._alive:
            with suppress(ProcessLookupError):
                process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await asyncio.gather(*(process.wait() for process in self._alive))
        for process in list(self._alive):
            if process.returncode is None:
                process.kill()

    async def _keep_one(self) -> None:
        while not self._ending:
            # A group of its own: Ctrl-C in the terminal of the server is the server's to pass on.
            process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            self._alive.add(process)
            try:
                await process.wait()
            finally:
                self._alive.discard(process)
            if not self._ending:
                await asyncio.sleep(_REST_SECONDS)


def command_of(place: Place, *words: str) -> Sequence[str]:
    """The command line of a worker of ``place``; it ends when this process does."""
    config = ("--config-dir", str(place.config_dir)) if place.config_dir is not None else ()
    state = ("--state-dir", str(place.state))
    return (sys.executable, "-m", "nano_flow", *state, *config, "-q", "worker", "--parent", str(os.getpid()), *words)


def parent_is_gone(pid: int) -> bool:
    """True where the process that started this one is not there any more."""
    return os.getppid() != pid


def started_apart(place: Place) -> int:
    """A worker that ends when nothing is queued, and that nobody waits for; its process id."""
    import subprocess

    config = ("--config-dir", str(place.config_dir)) if place.config_dir is not None else ()
    command = (
        sys.executable,
        "-m",
        "nano_flow",
        "--state-dir",
        str(place.state),
        *config,
        "-q",
        "worker",
        "--until-idle",
    )
    process = subprocess.Popen(
        command,
        cwd=place.current,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_ignore_hang_up if hasattr(signal, "SIGHUP") else None,
    )
    return process.pid


def _ignore_hang_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
