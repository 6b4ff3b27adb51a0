"""Our encoding of spans beside the SDK's: the same messages."""

from __future__ import annotations

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

from nano_flow.core.trace import RunTrace
from nano_flow.sinks.telemetry.encoding import QuickExporter, encoded
from nano_flow.sinks.telemetry.spans import LONGEST, SpanSink
from tests.sinks.telemetry.receiver import Receiver
from tests.sinks.telemetry.story import story

CALLER = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
EARLIER = "00-" + "a" * 32 + "-" + "c" * 16 + "-01"


class Kept(SpanProcessor):
    """What ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def spans_of(trace: RunTrace, *, content: bool = False) -> list[ReadableSpan]:
    kept = Kept()
    sink = SpanSink(kept, content=content)
    for event in story(trace, "failed"):
        sink.handle(event)
    sink.close()
    return kept.spans


TRACES = {
    "a run of its own": RunTrace.begin("r", 1.0),
    "called by somebody": RunTrace.begin("r", 1.0, CALLER),
    "one that goes on": RunTrace.begin("r", 1.0, "", EARLIER),
}


@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_the_messages_are_those_of_the_sdk(trace: RunTrace, content: bool) -> None:
    spans = spans_of(trace, content=content)
    ours = ExportTraceServiceRequest.FromString(encoded(spans))
    theirs = encode_spans(spans)
    assert len(ours.resource_spans[0].scope_spans[0].spans) == len(spans) > 5
    assert ours == theirs


def test_an_unsampled_caller_gets_no_spans() -> None:
    assert spans_of(RunTrace.begin("r", 1.0, CALLER[:-1] + "0")) == []


def test_values_that_are_equal_and_differ_stay_apart() -> None:
    for value in (True, 1, 1.0, "1"):
        span = ReadableSpan("s", spans_of(TRACES["a run of its own"])[0].context, attributes={"k": value})
        assert ExportTraceServiceRequest.FromString(encoded([span])) == encode_spans([span])


def test_content_is_cut_where_a_receiver_would_refuse_it() -> None:
    longest = max(
        len(value)
        for span in spans_of(TRACES["a run of its own"], content=True)
        for value in (span.attributes or {}).values()
        if isinstance(value, str)
    )
    assert 0 < longest <= LONGEST


@pytest.mark.parametrize("own", [True, False])
def test_a_release_of_the_sdk_without_that_client_takes_the_spans_itself(own: bool) -> None:
    spans = spans_of(TRACES["a run of its own"])
    with Receiver() as receiver:
        exporter = QuickExporter(OTLPSpanExporter(f"{receiver.url}/v1/traces"))
        if not own:
            exporter._post = None
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        assert [span.name for span in receiver.spans] == [span.name for span in spans]
        exporter.shutdown()
