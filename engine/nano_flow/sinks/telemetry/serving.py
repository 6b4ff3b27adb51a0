"""The metrics of one run at a port of this machine, for as long as its process lives."""

from __future__ import annotations

import sys

from nano_flow.core.errors import UsageError
from nano_flow.ports import EventSink


def served_metrics(port: int) -> EventSink:
    """A sink whose counts Prometheus finds at ``http://127.0.0.1:PORT/metrics``; the address is told on stderr.

    Raises UsageError where the port is taken, or where ``prometheus-client`` (the extra ``serve``) is not installed.
    """
    try:
        import prometheus_client
    except ImportError:
        raise UsageError('--metrics-port needs the extra "serve": pip install "nano-flow[serve]"') from None
    from nano_flow.sinks.telemetry.metrics import Metrics, MetricsSink

    metrics = Metrics()
    try:
        server, _ = prometheus_client.start_http_server(port, "127.0.0.1", metrics.registry)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"port {port} cannot be served: {reason}; --metrics-port 0 takes any") from None
    sys.stderr.write(f"metrics: http://127.0.0.1:{server.server_port}/metrics\n")
    return MetricsSink(metrics)
