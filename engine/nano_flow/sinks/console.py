"""Progress for a person: a live picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TextIO

from nano_flow.core.events import ApprovalAnswered, ApprovalAsked, Event, StepFailed
from nano_flow.core.refs import path_of
from nano_flow.core.shown.lines import LOUD, NORMAL, line_of
from nano_flow.sinks.crowds import Crowds
from nano_flow.sinks.progress import Progress
from nano_flow.sinks.screen import picture

REDRAW_SECONDS = 0.1
LINES_AT_MOST = 12


class ConsoleSink:
    """Writes to ``stream`` (stderr). ``verbosity`` is -1 (quiet), 0, or 1 and more; ``live`` draws a picture.

    The cursor is neither hidden nor saved: a process that is killed leaves a terminal that works.
    """

    def __init__(
        self, stream: TextIO, now: Callable[[], float], *, verbosity: int = 0, live: bool = False, ticking: bool = True
    ) -> None:
        self._stream: TextIO | None = stream
        self._now = now
        self._verbosity = verbosity
        self._live = live and verbosity >= NORMAL
        self._progress = Progress()
        self._drawn = 0
        self._asked: set[str] = set()
        self._bounded: set[str] = set()
        self._crowds = Crowds()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._ticker: threading.Thread | None = None
        if self._live and ticking:
            # A picture has to move while nothing happens: a model may think for a minute.
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()

    def handle(self, event: Event) -> None:
        """Take one event: a line at once, the picture at the next tick."""
        told = self._verbosity <= NORMAL and (self._tells_again(event) or self._crowds.hides(event))
        if not self._live:
            line = None if told else line_of(event, self._verbosity)
            besides = self._crowds.instead(event) if self._verbosity == NORMAL else None
            lines = [text for text in (line, besides) if text is not None]
            if lines and self._verbosity >= NORMAL and (kept := self._crowds.kept()) is not None:
                lines.insert(0, kept)
            if lines:
                self._write("".join(f"{text}\n" for text in lines))
            return
        # The picture shows the rest.
        line = None if told else line_of(event, LOUD if self._verbosity == NORMAL else self._verbosity)
        with self._lock:
            self._progress.apply(event)
            self._note_question(event)
            if line is not None:
                self._write(self._erasure() + line + "\n")

    def _tells_again(self, event: Event) -> bool:
        """Whether a bound was told of another item of the fan-out already: its end says how many items it stopped."""
        if not isinstance(event, StepFailed) or event.error not in ("budget", "limit") or "[" not in event.address:
            return False
        path = path_of(event.address)
        again = path in self._bounded
        self._bounded.add(path)
        return again

    def _note_question(self, event: Event) -> None:
        """While a person is asked, on the same terminal perhaps, the picture is away and stays away."""
        if isinstance(event, ApprovalAsked):
            self._asked.add(event.address)
            self._write(self._erasure())
        elif isinstance(event, ApprovalAnswered):
            self._asked.discard(event.address)

    def draw(self) -> None:
        """Draw the picture over the one before, in one write so that it does not flicker."""
        with self._lock:
            if self._stream is None or self._asked or not self._progress.began:
                return
            width, height = _size(self._stream)
            lines = picture(self._progress, self._now(), width - 1, min(LINES_AT_MOST, height - 1))
            start = f"\x1b[{self._drawn}F" if self._drawn else ""
            # Each line clears what it leaves of the old one, so that nothing is ever blank for a moment.
            self._write(start + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
            self._drawn = len(lines)

    def close(self) -> None:
        """Take the picture away; the summary of the run follows from elsewhere."""
        self._stopped.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._write(self._erasure())
            self._stream = None

    def _tick(self) -> None:
        while not self._stopped.wait(REDRAW_SECONDS):
            self.draw()

    def _erasure(self) -> str:
        """Back to the first line of the picture, and nothing below."""
        drawn, self._drawn = self._drawn, 0
        return f"\x1b[{drawn}F\x1b[J" if drawn else ""

    def _write(self, text: str) -> None:
        if self._stream is None or not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody looks any more; that is no reason to stop the run.
            self._stream = None


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return (size.columns or 80, size.lines or 24)
