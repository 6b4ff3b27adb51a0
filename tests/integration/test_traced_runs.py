"""A whole run as a trace: who is told where it stands, what a resume links to, and what a dead receiver costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.said import start
from tests.sinks.telemetry.receiver import Receiver, attributes

CALLER = f"00-{'ab' * 16}-{'cd' * 8}-01"
WORKFLOW = """nano_flow: 1
name: traced
inputs: {{}}
env: [CI]
tools:
  http_get: {{allow: ["127.0.0.1:{port}"]}}
  say: {{mcp: {{command: ["{python}", -S, "{server}", usual, TRACEPARENT]}}}}
steps:
  group:
    steps:
      show: {{for_each: [1, 2], run: [sh, -c, "echo $TRACEPARENT"]}}
      fetch: {{tool: http_get, with: {{url: "http://127.0.0.1:{port}/"}}}}
      told: {{tool: say.echo, with: {{x: hi}}}}
outputs:
  lines: "{{{{ steps.group.output.show }}}}"
  told: "{{{{ steps.group.output.told }}}}"
"""


@pytest.fixture
def web() -> Iterator[tuple[int, list[str]]]:
    """A server and the traceparents that it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("traceparent", ""))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], seen
    server.shutdown()
    server.server_close()


def written(folder: Path, port: int) -> Path:
    plain = Path(__file__).parents[1] / "tools" / "servers" / "plain.py"
    (folder / "w.yaml").write_text(WORKFLOW.format(port=port, python=sys.executable, server=plain))
    return folder


def ran(folder: Path, *words: str, **environ: str) -> tuple[str, str]:
    out, err = start(folder, *words, env=environ).communicate(timeout=60)
    return out, err


def test_commands_servers_and_addresses_are_told_their_parent(tmp_path: Path, web: tuple[int, list[str]]) -> None:
    port, seen = web
    with Receiver() as receiver:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "TRACEPARENT": CALLER}
        out, err = ran(written(tmp_path, port), "run", "w.yaml", "--json", **environ)
        assert '"succeeded"' in out, out + err
        spans = {span.span_id.hex(): span for span in receiver.spans}
        root = receiver.named("invoke_workflow traced")
        assert root.trace_id.hex() == "ab" * 16
        assert root.parent_span_id.hex() == "cd" * 8
        told = re.findall(r"00-(\w{32})-(\w{16})-01", "".join([out, *seen]))
        assert {trace for trace, _ in told} == {"ab" * 16}
        addresses = {attributes(spans[span]).get("nano_flow.address") for _, span in told if span in spans}
        assert {"group.show[0]", "group.show[1]", "group.fetch"} <= addresses
        assert all(span.trace_id == root.trace_id for span in receiver.spans)


def test_nobody_is_told_anything_where_no_trace_is_wanted(tmp_path: Path, web: tuple[int, list[str]]) -> None:
    port, seen = web
    out, _ = ran(written(tmp_path, port), "run", "w.yaml", "--json", TRACEPARENT="", OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert '"succeeded"' in out
    assert seen == [""]
    assert "00-" not in out.partition('"outputs"')[2].partition('"error"')[0]


def test_a_resume_goes_on_with_the_trace_and_links_to_the_life_before(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: twice\ninputs: {}\nsteps:\n  ask: {approve: {message: Go on?, options: [yes, no]}}\n"
    )
    with Receiver() as receiver:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        ran(tmp_path, "run", "w.yaml", "--no-input", TRACEPARENT=CALLER, **environ)
        ran(tmp_path, "approvals", "answer", "last", "ask", "yes")
        ran(tmp_path, "resume", "last", "--no-input", TRACEPARENT="", **environ)
        first, second = (span for span in receiver.spans if span.name == "invoke_workflow twice")
        assert second.trace_id == first.trace_id
        assert [link.span_id for link in second.links] == [first.span_id]


@pytest.mark.parametrize("mode", ["fail", "hang"])
def test_a_dead_receiver_ends_no_run_and_is_told_once(tmp_path: Path, mode: str) -> None:
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\ninputs: {}\nsteps: {a: {run: [echo, hi]}}\n")
    with Receiver(mode) as receiver:
        began = time.monotonic()
        process = start(tmp_path, "run", "w.yaml", env={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert err.count("receiver of traces") == 1
        assert time.monotonic() - began < 30


def test_a_run_serves_its_metrics(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: seen\ninputs: {}\nsteps:\n  a: {run: [echo, hi]}\n  b: {needs: [a], run: [cat, pipe]}\n"
    )
    os.mkfifo(tmp_path / "pipe")
    process = start(tmp_path, "run", "w.yaml", "--metrics-port", "0")
    assert process.stderr is not None
    line = process.stderr.readline()
    address = line.removeprefix("metrics: ").strip()
    try:
        body = ""
        until = time.monotonic() + 30
        while 'nano_flow_steps_total{kind="run",status="succeeded"} 1.0' not in body and time.monotonic() < until:
            with urllib.request.urlopen(address, timeout=5) as answer:
                body = answer.read().decode()
        assert 'nano_flow_steps_total{kind="run",status="succeeded"} 1.0' in body
        (tmp_path / "pipe").write_text("done")
        process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_said(tmp_path: Path, web: tuple[int, list[str]]) -> None:
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\ninputs: {}\nsteps: {a: {run: [echo, hi]}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "nano_flow", "run", "w.yaml", "--metrics-port", str(web[0])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--metrics-port 0" in done.stderr
