"""A server under runs, readers and kill -9 for a minute (NANO_FLOW_LONG: half an hour): nothing lost, memory flat."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from nano_flow.ports.store import RunFilter
from tests.web.shop import Shop

SECONDS = float(os.environ.get("NANO_FLOW_SOAK_S") or (1800 if os.environ.get("NANO_FLOW_LONG") else 60))
STRETCH, ENDING = max(8.0, SECONDS / 6), 300.0
READERS, GROWTH_MB = 20, 80
FLOW = """nano_flow: 1
name: soak
inputs: {n: {type: integer}}
steps:
  count: {run: [echo, "{{ inputs.n }}"]}
  each: {for_each: [a, b, c], as: x, prompt: "Say {{ x }} of {{ steps.count.output }}"}
outputs: {n: "{{ inputs.n }}"}
"""
_OPENER = build_opener(ProxyHandler({}))


class Server:
    """``serve`` with one worker, and readers that listen to it."""

    def __init__(self, folder: Path) -> None:
        words = ["serve", "--port", "0", "--json", "--workers", "1", "--allow", "run"]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nano_flow", "-q", *words],
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("}"):
                break
        address = urlsplit(json.loads(said)["address"])
        self.place, self.token = address.netloc, parse_qs(address.query)["token"][0]
        self.readers = [self._listen(str(address.hostname), int(address.port or 0)) for _ in range(READERS)]

    def start(self, number: int) -> bool:
        """Start the run of that number, which happens once however often it is asked for; False: nobody answered."""
        body = {"workflow": "soak.yaml", "inputs": {"n": number}, "options": {"offline": True}}
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"soak-{number}",
        }
        request = Request(f"http://{self.place}/api/v1/runs", json.dumps(body).encode(), headers)
        try:
            with _OPENER.open(request, timeout=60) as answer:
                return bool(answer.status == 202)
        except (URLError, OSError):
            return False

    def look(self) -> None:
        """Somebody looks at the pages."""
        for path in ("/", "/runs", "/cost", "/runs/last"):
            request = Request(f"http://{self.place}{path}", headers={"Authorization": f"Bearer {self.token}"})
            with suppress(URLError, OSError), _OPENER.open(request, timeout=60) as answer:
                answer.read()

    def megabytes(self) -> float:
        """What it holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def end(self, *, kill: bool) -> None:
        """End it, in order or not at all."""
        for reader in self.readers:
            reader.close()
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _listen(self, host: str, port: int) -> socket.socket:
        reader = socket.create_connection((host, port), 60)
        ask = f"GET /live HTTP/1.1\r\nhost: {self.place}\r\nauthorization: Bearer {self.token}\r\n\r\n"
        reader.sendall(ask.encode())
        return reader


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server that is gone afterwards, whatever happens."""
    server = Server(folder)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.end(kill=False)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_nothing_is_lost_and_memory_stays(shop: Shop) -> None:
    (shop.folder / "soak.yaml").write_text(FLOW)
    over, number, grown = time.monotonic() + SECONDS, 0, list[float]()
    while time.monotonic() < over:
        with serving(shop.folder) as server:
            until = min(over, time.monotonic() + STRETCH)
            server.start(number)
            server.look()
            before = server.megabytes()
            while time.monotonic() < until:
                if server.start(number):
                    number += 1
                server.look()
            grown.append(server.megabytes() - before)
            server.end(kill=True)
    with serving(shop.folder) as server:
        number += server.start(number)
        last = time.monotonic() + ENDING
        while (left := _unfinished(shop)) and time.monotonic() < last:
            server.look()
            time.sleep(0.2)
        assert left == []
    with shop.store.reader() as reader:
        runs = reader.list_runs(RunFilter())
        asked = sorted(int(record.inputs["n"]) for run in runs if (record := reader.run_record(run.run_id)) is not None)
    assert asked == list(range(number))  # each once: none lost, none twice
    assert {run.status for run in runs} == {"succeeded"}
    assert max(grown) < GROWTH_MB, grown


def _unfinished(shop: Shop) -> list[str]:
    with shop.store.reader() as reader:
        return [f"{run.run_id} {run.status}" for run in reader.list_runs() if run.status != "succeeded"]
