"""What every sink has to keep: subclass ``SinkContract`` and say how one is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from nano_flow.contracts.samples import failed, finished, intended, started
from nano_flow.core.events import Event, NoticeGiven, RunFinished, StepFinished, StepStarted, TextStreamed
from nano_flow.ports import EventSink

STORY: tuple[Event, ...] = (
    started(),
    StepStarted(1000.5, "ask", "ask", "prompt"),
    intended(),
    TextStreamed(1001.0, "ask", 0, "née \ud800 \0"),
    failed(),
    finished(attempt=1),
    StepFinished(1003.0, "ask", {"text": "☃", "large": 2**70}, 0.1),
    NoticeGiven(1003.5, "", "75 % of the budget is spent"),
    RunFinished(1004.0, "succeeded", {"x": None}, None, None, None, 4.0),
)
"""One of most kinds of events, with texts that not every file and terminal takes."""


class SinkContract(ABC):
    """Inherit it in a class whose name begins with ``Test``."""

    @abstractmethod
    def sink(self, folder: Path) -> EventSink:
        """A sink that may write into ``folder``."""

    def test_it_follows_a_whole_run(self, tmp_path: Path) -> None:
        sink = self.sink(tmp_path)
        for event in STORY:
            sink.handle(event)
        sink.close()

    def test_it_can_be_closed_before_anything_happened_and_twice(self, tmp_path: Path) -> None:
        sink = self.sink(tmp_path)
        sink.close()
        sink.close()
