"""A sink: ``NANO_FLOW_SINKS=tally`` counts the events of every run into the file of ``TALLY_FILE``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from nano_flow.core.events import Event


class Tally:
    """Counts events by their kind; written when the run is over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()

    def handle(self, event: Event) -> None:
        """Take one event."""
        self._counts[type(event).__name__] += 1

    def close(self) -> None:
        """The run is over."""
        self._path.write_text(json.dumps(self._counts), encoding="utf-8")


def tally(environ: Mapping[str, str]) -> Tally:
    """The sink of a run."""
    return Tally(Path(environ.get("TALLY_FILE", "tally.json")))
