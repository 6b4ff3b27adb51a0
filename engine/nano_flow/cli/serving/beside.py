"""``run --web``: the page of a run while it runs, and in a terminal until somebody has seen enough of it."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.serving.serve import needs
from nano_flow.core.events import Event, RunStarted
from nano_flow.ports import EventSink


class _Announcer:
    """Says where the page of the run is, as soon as the run has a name."""

    def __init__(self, address: Callable[[str], str], *, opens: bool) -> None:
        self._address = address
        self._opens = opens
        self._told = False

    def handle(self, event: Event) -> None:
        """Take the next event."""
        if self._told or not isinstance(event, RunStarted):
            return
        self._told = True
        address = self._address(event.run_id)
        output.note(address, level=-1)
        if self._opens:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def close(self) -> None:
        """The page stays as long as its server."""


def with_pages(options: Options, run: Callable[[EventSink], int]) -> int:
    """Do ``run`` with the pages beside it; the exit code of the run."""
    needs("uvicorn", "starlette", "multipart")
    from nano_flow.web.beside import PagesBeside

    with PagesBeside(options.place) as pages:
        code = run(_Announcer(pages.address, opens=options.may_ask and _has_windows()))
        if options.may_ask and code < 128:
            output.note("the page stays until Ctrl-C")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    return code


def _has_windows() -> bool:
    """False where a browser could only take over the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
