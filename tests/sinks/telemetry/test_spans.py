"""A run as spans, read back by the official protobufs."""

from __future__ import annotations

import time

import pytest

from nano_flow.core.trace import RunTrace, TraceContext
from nano_flow.sinks.telemetry.otlp import otlp_sink
from tests.sinks.telemetry.receiver import Receiver, attributes
from tests.sinks.telemetry.story import TRACE, story


def sent(receiver: Receiver, *, content: bool = False, trace: RunTrace = TRACE, status: str = "succeeded") -> list[str]:
    """Send the story; what was told meanwhile."""
    told: list[str] = []
    sink = otlp_sink(receiver.url, content=content, tell=told.append)
    for event in story(trace, status):
        sink.handle(event)
    sink.close()
    return told


def test_names_parents_and_times_tell_the_run() -> None:
    with Receiver() as receiver:
        assert sent(receiver) == []
        names = sorted(span.name for span in receiver.spans)
        assert names == [
            "chat gpt-5-mini",
            "chat gpt-5-mini",
            "chat gpt-5-mini",
            "execute_tool read_file",
            "for_each review",
            "invoke_agent review",
            "invoke_agent review",
            "invoke_workflow review",
        ]
        root, fan = receiver.named("invoke_workflow review"), receiver.named("for_each review")
        agents = [span for span in receiver.spans if span.name == "invoke_agent review"]
        assert root.parent_span_id == b""
        assert root.trace_id.hex(), root.span_id.hex() == (TRACE.root.trace_id, TRACE.root.span_id)
        assert fan.parent_span_id == root.span_id
        assert {span.parent_span_id for span in agents} == {fan.span_id}
        chats = [span for span in receiver.spans if span.name.startswith("chat")]
        assert {span.parent_span_id for span in chats} == {span.span_id for span in agents}
        assert (root.start_time_unix_nano, root.end_time_unix_nano) == (1_000_000_000, 2_400_000_000)
        assert [event.name for event in root.events] == ["step_skipped"]


def test_tokens_cost_and_errors_are_attributes() -> None:
    with Receiver() as receiver:
        sent(receiver)
        chats = [attributes(span) for span in receiver.spans if span.name.startswith("chat")]
        answered = next(told for told in chats if told["nano_flow.address"] == "review[0]")
        assert answered["gen_ai.operation.name"] == "chat"
        assert answered["gen_ai.provider.name"] == "openai"
        assert answered["gen_ai.request.model"] == "gpt-5-mini"
        assert answered["gen_ai.response.model"] == "gpt-5-mini-2025-08-07"
        assert answered["gen_ai.usage.input_tokens"] == 15
        assert answered["gen_ai.usage.cache_read.input_tokens"] == 5
        assert answered["gen_ai.usage.output_tokens"] == 23
        assert answered["gen_ai.usage.reasoning.output_tokens"] == 3
        assert answered["gen_ai.response.finish_reasons"] == ["stop"]
        assert answered["gen_ai.response.time_to_first_chunk"] == 0.2
        assert answered["nano_flow.cost.nano_usd"] == 115
        failed = next(told for told in chats if told.get("error.type"))
        assert (failed["error.type"], failed["nano_flow.cost.nano_usd"]) == ("rate_limit", 7)
        agent = next(s for s in receiver.spans if s.name == "invoke_agent review" and "error.type" in attributes(s))
        assert agent.status.code == 2
        assert attributes(agent)["error.type"] == "schema"


def test_content_stays_at_home_unless_told() -> None:
    with Receiver() as receiver:
        sent(receiver)
        everything = "".join(str(span) for span in receiver.spans)
        assert "private" not in everything and "secret text" not in everything
    with Receiver() as receiver:
        sent(receiver, content=True)
        everything = "".join(str(span) for span in receiver.spans)
        assert "secret text" in everything and "private result" in everything and "private reply" in everything


def test_a_caller_is_the_parent_and_a_resume_links_to_the_life_before() -> None:
    caller = TraceContext("ab" * 16, "cd" * 8)
    first = RunTrace.begin("run-1", 1.0, caller.traceparent)
    second = RunTrace.begin("run-1", 9.0, "", first.root.traceparent)
    for trace, parent in ((first, "cd" * 8), (second, "")):
        with Receiver() as receiver:
            sent(receiver, trace=trace)
            root = receiver.named("invoke_workflow review")
            assert root.trace_id.hex() == "ab" * 16
            assert root.parent_span_id.hex() == parent
            links = [link.span_id.hex() for link in root.links]
            assert links == ([first.root.span_id] if trace is second else [])


def test_a_caller_that_does_not_sample_gets_no_spans() -> None:
    quiet = TraceContext("ab" * 16, "cd" * 8, sampled=False)
    with Receiver() as receiver:
        sent(receiver, trace=RunTrace.begin("run-1", 1.0, quiet.traceparent))
        assert receiver.spans == []


@pytest.mark.parametrize("mode", ["fail", "hang"])
def test_a_receiver_that_fails_or_hangs_is_told_once_and_holds_nobody(mode: str) -> None:
    with Receiver(mode) as receiver:
        began = time.monotonic()
        told = sent(receiver)
        assert time.monotonic() - began < 8
        assert len(told) == 1
        assert "traces" in told[0]


def test_nobody_there_is_told_once() -> None:
    told: list[str] = []
    sink = otlp_sink("http://127.0.0.1:9", content=False, tell=told.append)
    for event in story():
        sink.handle(event)
    sink.close()
    assert len(told) == 1


@pytest.mark.parametrize(
    "text", ["", "junk", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "ff-" + "a" * 32 + "-" + "1" * 16 + "-01"]
)
def test_what_is_no_context_is_none(text: str) -> None:
    assert TraceContext.parse(text) is None


def test_an_address_has_the_same_span_in_every_process() -> None:
    def make() -> str:
        return RunTrace.begin("r", 2.5).root.child("a[0].b").traceparent

    assert make() == make()
    parsed = TraceContext.parse(make())
    assert parsed is not None
    assert parsed.traceparent == make()
