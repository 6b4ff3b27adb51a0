"""What spans cost: a fan-out of model calls that exports two spans a call, beside the same one that exports none.

The receiver is another process's, as in real life; CPU is a slope between a short and a long run, so that importing the
SDK counts for neither. Taken in turns, the least of each: what else the machine does only adds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.calls import child, workflow_of_calls
from bench.measure import Figure
from bench.server import running

SHORT = 500
LONG = int(os.environ.get("BENCH_ITEMS", "5000"))
SHARE_AT_MOST = 5.0
_TIMES = 3
_SPANS_A_CALL = 2


def figures() -> list[Figure]:
    """The share by which CPU and time of a fan-out grow where its spans are exported."""
    with running() as address, _receiver() as (collector, sizes), tempfile.TemporaryDirectory() as folder:
        workflow_of_calls(Path(folder), address)
        least: dict[tuple[str, int], float] = {}
        for _ in range(_TIMES):
            for endpoint in ("", collector):
                for items in (SHORT, LONG):
                    key = endpoint, items
                    least[key] = min(least.get(key, float("inf")), _cpu(folder, items, endpoint))
    plain, traced = (least[endpoint, LONG] - least[endpoint, SHORT] for endpoint in ("", collector))
    spans = _SPANS_A_CALL * (LONG - SHORT)
    return [
        Figure(
            f"{_SPANS_A_CALL * LONG:,} spans, CPU of a fan-out", 100 * (traced / plain - 1), "% more", SHARE_AT_MOST,
            note=f"{1e6 * (traced - plain) / spans:.0f} µs a span, {sum(sizes) / 1e6:.1f} MB received",
        ),
    ]  # fmt: skip


def _cpu(folder: str, items: int, endpoint: str) -> float:
    command = ["-m", "nano_flow", "-C", folder, "-q", "run", "calls.yaml", "-i", f"n={items}", "--json"]
    return child([sys.executable, *command], {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if endpoint else {}).cpu_s


@contextmanager
def _receiver() -> Iterator[tuple[str, list[int]]]:
    """Takes whatever is posted; its address, and the sizes of what came."""
    sizes: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sizes.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", sizes
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
