"""A sink that sends a run's spans to an OTLP receiver over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Callable

from nano_flow.core.errors import UsageError
from nano_flow.ports import EventSink

_EXPORT_TIMEOUT_S = 5.0


def say(message: str) -> None:
    """To whoever looks at the run; its journal is not reached from another thread."""
    sys.stderr.write(f"nano-flow: {message}\n")


def otlp_sink(endpoint: str, *, content: bool, tell: Callable[[str], None] = say) -> EventSink:
    """Spans for the receiver at ``endpoint`` (its base address: ``http://127.0.0.1:4318``).

    Headers, certificates and compression come from the standard ``OTEL_EXPORTER_OTLP_*`` variables. Raises UsageError
    where the extra ``otel`` is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise UsageError(
            'sending traces needs the extra "otel": pip install "nano-flow[otel]", or unset OTEL_EXPORTER_OTLP_ENDPOINT'
        ) from None
    from nano_flow.sinks.telemetry.encoding import QuickExporter
    from nano_flow.sinks.telemetry.exporting import ExportBeside
    from nano_flow.sinks.telemetry.spans import SpanSink

    address = endpoint.rstrip("/")
    if not address.endswith("/v1/traces"):
        address += "/v1/traces"
    exporter = QuickExporter(OTLPSpanExporter(address, timeout=_EXPORT_TIMEOUT_S))
    return SpanSink(ExportBeside(exporter, tell), content=content)
