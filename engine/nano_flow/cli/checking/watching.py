"""Waits for documents to change: their times and sizes are looked at twice a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from nano_flow.cli import output

PAUSE_S = 0.5
Stamp = dict[Path, tuple[int, int]]


def watch_documents(find: Callable[[], Iterable[Path]], check: Callable[[], object]) -> None:
    """Run ``check`` now and after every change of what ``find`` finds, until Ctrl-C."""
    before = stamps(find())
    check()
    while True:
        time.sleep(PAUSE_S)
        now = stamps(find())
        if now != before:
            changed = ", ".join(sorted(str(path) for path in {*now, *before} if now.get(path) != before.get(path)))
            output.note(f"\nchanged: {output.one_line(changed, 200)}")
            before = now
            check()


def stamps(paths: Iterable[Path]) -> Stamp:
    """Path → time and size; a file that has gone has none."""
    found: Stamp = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found
