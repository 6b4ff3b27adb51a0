"""Who looks on and raises is dropped, and told of once; the run goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nano_flow
from nano_flow.core.events import Event, NoticeGiven
from nano_flow.library import Where
from nano_flow.project.preparing import RunOptions
from nano_flow.sinks.guarded import GuardedSink

FLOW = """nano_flow: 1
name: f
steps: {a: {set: {x: 1}}, b: {needs: [a], set: {x: 2}}}
outputs: {x: "{{ steps.b.output.x }}"}
"""


class Broken:
    """Raises at its second event, and again when it is closed."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.closed = False

    def handle(self, event: Event) -> None:
        self.seen.append(event)
        if len(self.seen) > 1:
            raise RuntimeError("the disk of the log is full")

    def close(self) -> None:
        self.closed = True
        raise RuntimeError("again")


class Whole:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    def handle(self, event: Event) -> None:
        self.seen.append(event)

    def close(self) -> None: ...


def test_a_sink_that_raises_is_told_once_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(FLOW)
    broken, whole = Broken(), Whole()
    where = Where(state_dir=tmp_path / "state")
    run = nano_flow.arun(tmp_path / "w.yaml", options=RunOptions(offline=True), where=where, sinks=(broken, whole))
    result = asyncio.run(run)
    assert (result.status, result.outputs) == ("succeeded", {"x": 2})
    assert len(broken.seen) == 2 and not broken.closed
    said = [event.message for event in whole.seen if isinstance(event, NoticeGiven)]
    assert said == ["Broken cannot follow the run any more and was dropped: RuntimeError: the disk of the log is full"]


def test_what_raises_at_the_end_is_nobodys_loss() -> None:
    told: list[str] = []
    broken = Broken()
    GuardedSink(broken, told.append).close()
    assert broken.closed and told == []
