"""Events as lines of JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given

import nano_flow
from nano_flow.core.events import Event, PromptSent, StepFinished
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.sinks.jsonl import JsonLinesSink
from tests.stores.samples import EVENTS, finished


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_what_was_asked_stays_in_the_store() -> None:
    stream = io.StringIO()
    JsonLinesSink(stream).handle(PromptSent(0.0, "a", 0, ()))
    assert stream.getvalue() == ""


@given(EVENTS.filter(lambda event: not isinstance(event, PromptSent)))
def test_every_event_is_one_line_of_strict_json(event: Event) -> None:
    stream = io.StringIO()
    JsonLinesSink(stream).handle(event)
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line, parse_constant=refuse)
    assert (told["schema"], told["event"]) == ("nano-flow/event@1", type(event).__name__)


def test_money_is_decimal_and_time_is_rfc3339() -> None:
    stream = io.StringIO()
    reply = ChatReply("x", "stop", Usage(), provider_data={"thinking": "…"})
    JsonLinesSink(stream).handle(finished(cost=None, reply=reply))
    told = json.loads(stream.getvalue())
    assert (told["at"], told["cost_usd"], told["reserved_usd"]) == ("1970-01-01T00:16:42.000Z", None, "0.0000009")
    assert "provider_data" not in told["reply"] and "cost" not in told


def test_numbers_that_json_does_not_know_become_their_names() -> None:
    stream = io.StringIO()
    JsonLinesSink(stream).handle(StepFinished(1.0, "a", [float("nan"), {"x": float("-inf")}, 1.5], 0.1))
    assert json.loads(stream.getvalue())["output"] == ["NaN", {"x": "-Infinity"}, 1.5]


def test_nothing_is_written_after_the_end() -> None:
    stream = io.StringIO()
    sink = JsonLinesSink(stream)
    sink.close()
    sink.handle(finished())
    assert stream.getvalue() == ""


def test_a_stream_that_has_no_file_may_break_too() -> None:
    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    sink = JsonLinesSink(Broken())
    sink.handle(finished())
    sink.handle(finished())


PROGRAM = """
import sys
from nano_flow.core.events import NoticeGiven
from nano_flow.sinks.jsonl import JsonLinesSink
sink = JsonLinesSink(sys.stdout)
for number in range(20000):
    sink.handle(NoticeGiven(1.0, "", "x" * 100))
sink.close()
"""


def test_a_reader_who_leaves_early_does_not_stop_the_run() -> None:
    path = str(Path(nano_flow.__file__).parents[1])
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.stdout is not None and run.stderr is not None
    run.stdout.readline()
    run.stdout.close()
    errors = run.stderr.read()
    assert (run.wait(), errors) == (0, b"")
