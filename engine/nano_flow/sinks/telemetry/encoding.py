"""Spans as OTLP bytes: the official messages for what differs, kept bytes for what every span says again.

The SDK's own encoder takes several times as long a span, most of it for attributes that a fan-out repeats thousands of
times. Both give messages that read alike; a test compares them field by field.
Source of the form: opentelemetry-proto, trace/v1/trace.proto. Repeated fields may be written piece after piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias, cast

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import SpanFlags, Status
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

_KINDS = {
    SpanKind.INTERNAL: Message.SPAN_KIND_INTERNAL,
    SpanKind.SERVER: Message.SPAN_KIND_SERVER,
    SpanKind.CLIENT: Message.SPAN_KIND_CLIENT,
    SpanKind.PRODUCER: Message.SPAN_KIND_PRODUCER,
    SpanKind.CONSUMER: Message.SPAN_KIND_CONSUMER,
}
_CODES = {
    StatusCode.UNSET: Status.STATUS_CODE_UNSET,
    StatusCode.OK: Status.STATUS_CODE_OK,
    StatusCode.ERROR: Status.STATUS_CODE_ERROR,
}
_NO_STATUS = Status()
_LOCAL = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_REMOTE = _LOCAL | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
Value: TypeAlias = str | bool | int | float | Sequence[str]
_KEPT_AT_MOST = 200
"""Characters of a value that is worth keeping; content is not."""


class QuickExporter(SpanExporter):
    """Hands what ``encoded`` makes to the HTTP client of the SDK's exporter, with its headers, TLS and retries.

    Where a release of the SDK has that client elsewhere, its exporter takes the spans themselves.
    """

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._post = getattr(getattr(exporter, "_client", None), "export", None)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        if self._post is None:
            return self._exporter.export(spans)
        return SpanExportResult.SUCCESS if self._post(encoded(spans)).success else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def encoded(spans: Sequence[ReadableSpan]) -> bytes:
    """The bytes of an ExportTraceServiceRequest. All spans are of one resource and one scope."""
    if not spans:
        return b""
    # What stands around the spans is the SDK's word, of one span.
    frame = encode_spans(spans[:1])
    (of_resource,) = frame.resource_spans
    (of_scope,) = of_resource.scope_spans
    del of_scope.spans[:]
    scope = of_scope.SerializeToString() + b"".join([_field(2, _span(span)) for span in spans])
    del of_resource.scope_spans[:]
    return _field(1, of_resource.SerializeToString() + _field(2, scope))


def _span(span: ReadableSpan) -> bytes:
    context, above = span.get_span_context(), span.parent
    assert context is not None
    message = Message(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        parent_span_id=above.span_id.to_bytes(8, "big") if above is not None else b"",
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        status=_NO_STATUS,
        flags=_REMOTE if above is not None and above.is_remote else _LOCAL,
    )
    if span.events or span.links or not span.status.is_unset:
        _add_rare(message, span)
    told: bytes = message.SerializeToString()
    return told + b"".join([_attribute(key, value) for key, value in _given(span.attributes)])


def _add_rare(message: Message, span: ReadableSpan) -> None:
    for event in span.events:
        told = message.events.add(name=event.name, time_unix_nano=event.timestamp)
        told.attributes.extend([_pair(key, value) for key, value in _given(event.attributes)])
    for link in span.links:
        message.links.add(
            trace_id=link.context.trace_id.to_bytes(16, "big"),
            span_id=link.context.span_id.to_bytes(8, "big"),
            flags=_REMOTE if link.context.is_remote else _LOCAL,
        )
    message.status.code = _CODES[span.status.status_code]
    message.status.message = span.status.description or ""


def _given(attributes: Mapping[str, object] | None) -> Iterable[tuple[str, Value]]:
    return cast(Mapping[str, Value], attributes).items() if attributes else ()


def _attribute(key: str, value: Value) -> bytes:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _KEPT_AT_MOST):
        return _kept(key, value, type(value).__name__)
    return _field(9, _pair(key, value).SerializeToString())


@lru_cache(maxsize=4096)
def _kept(key: str, value: str | bool | int | float, kind: str) -> bytes:
    """``kind`` tells True from 1, and 1 from 1.0."""
    return _field(9, _pair(key, value).SerializeToString())


def _pair(key: str, value: Value) -> KeyValue:
    return KeyValue(key=key, value=_value(value))


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[_value(one) for one in value]))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a message."""
    length = len(content)
    head = bytearray([number << 3 | 2])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head) + content
