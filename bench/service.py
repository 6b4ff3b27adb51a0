"""The service: its first page, a large run, a store of many runs, how soon a page hears, what readers cost a run."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from bench.measure import ROOT, Figure, ordinary_environment

RUNS, STEPS, READERS = 5_000, 10_000, 200
_SMALL = """nano_flow: 1
name: small
inputs: {n: {type: array, items: {type: integer}}}
limits: {steps: 30000}
steps:
  each: {for_each: "{{ inputs.n }}", as: x, max_items: 20000, max_parallel: 50, prompt: "Say {{ x }}", model: sim/small}
"""
_FILES = ("nano-flow.css", "live.js", "worker.js", "vendor/htmx.min.js", "icon.svg")


class Server:
    """``nano-flow serve`` for a project, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "nano_flow", "serve", "--port", "0", "--json", "--workers", "0"]
        environ = {**ordinary_environment(), "PYTHONPATH": str(ROOT / "engine")}
        self.process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("}"):
                break
        address = urlsplit(json.loads(said)["address"])
        self.host, self.port = str(address.hostname), int(address.port or 0)
        self.token = parse_qs(address.query)["token"][0]
        self._opener = build_opener(ProxyHandler({}))

    def get(self, path: str) -> tuple[float, int]:
        """Seconds, and bytes over the wire."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip"}
        start = time.perf_counter()
        with self._opener.open(
            Request(f"http://{self.host}:{self.port}{path}", headers=headers), timeout=120
        ) as answer:
            size = len(answer.read())
        return time.perf_counter() - start, size

    def cpu_s(self) -> float:
        """What the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def listen(self) -> socket.socket:
        """A reader of the stream of changes."""
        reader = socket.create_connection((self.host, self.port), 60)
        place = f"{self.host}:{self.port}"
        reader.sendall(f"GET /live HTTP/1.1\r\nhost: {place}\r\nauthorization: Bearer {self.token}\r\n\r\n".encode())
        while b"event: open" not in reader.recv(4000):
            pass
        return reader


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server for as long as it is needed."""
    server = Server(folder)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(60)


def run(folder: Path, items: int) -> float:
    """Run the small workflow over so many items; seconds."""
    (folder / "in.json").write_text(json.dumps({"n": list(range(items))}))
    words = ["-q", "run", "small.yaml", "--offline", "--inputs", "in.json"]
    environ = {**ordinary_environment(), "PYTHONPATH": str(ROOT / "engine")}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nano_flow", *words], cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def project(name: str) -> Path:
    """A folder with the small workflow."""
    folder = Path(name)
    (folder / ".git").mkdir()
    (folder / "small.yaml").write_text(_SMALL)
    return folder


def multiply(folder: Path, runs: int) -> None:
    """The one run of a store again and again, a minute apart, as so many runs."""
    with closing(sqlite3.connect(folder / ".nano-flow" / "state.db")) as base, base:
        for table in ("runs", "events", "ledger"):
            names = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
            moved = {"run_id": "'r' || printf('%06d', n)"}
            moved |= {
                name: f"{name} - n * 60.0"
                for name in ("at", "created_at", "finished_at", "started_at")
                if name in names
            }
            chosen = ", ".join(moved.get(name, name) for name in names)
            base.execute(
                f"INSERT INTO {table} WITH RECURSIVE many(n) AS"
                f" (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {runs}) SELECT {chosen} FROM {table}, many"
            )


def figures(times: int = 5) -> list[Figure]:
    """Pages in milliseconds and kilobytes, a large run in seconds of CPU, a run beside readers as a ratio."""
    with tempfile.TemporaryDirectory() as name:
        found = _large(project(name))
    with tempfile.TemporaryDirectory() as name:
        folder = project(name)
        run(folder, 4)
        multiply(folder, RUNS)
        with serving(folder) as server:
            found += _many(server, times)
            found += [_soon(server, folder, times), _readers(server, folder, times)]
    return found


def _large(folder: Path) -> list[Figure]:
    run(folder, STEPS)
    with serving(folder) as server:
        server.get("/healthz")
        before = server.cpu_s()
        server.get("/runs/last")
        first = server.cpu_s() - before
        again = statistics.median(server.get("/runs/last")[0] for _ in range(5))
    return [
        Figure(f"opening a run of {STEPS:,} steps", first, "s CPU", 1.5),
        Figure("opening it again", again * 1000, "ms", 300),
    ]


def _many(server: Server, times: int) -> list[Figure]:
    server.get("/healthz")
    rows = []
    size = server.get("/")[1] + sum(server.get(f"/static/{file}")[1] for file in _FILES)
    rows.append(Figure("first page over the wire", size / 1000, "kB", 120))
    for path in ("/", "/runs", "/cost"):
        took = statistics.median(server.get(path)[0] for _ in range(times))
        rows.append(Figure(f"{path} of a store of {RUNS:,} runs", took * 1000, "ms", 300))
    return rows


def _soon(server: Server, folder: Path, times: int) -> Figure:
    took = []
    with closing(server.listen()) as reader:
        for number in range(times):
            start = time.perf_counter()
            with closing(sqlite3.connect(folder / ".nano-flow" / "state.db")) as base, base:
                base.execute("INSERT OR REPLACE INTO marks VALUES ('bench', 'x', ?, '')", (float(number),))
            while b"changed" not in reader.recv(4000):
                pass
            took.append(time.perf_counter() - start)
    return Figure("a change is heard by a page", statistics.median(took) * 1000, "ms", 500)


def _readers(server: Server, folder: Path, times: int) -> Figure:
    alone, beside = [], []
    for _ in range(times):
        alone.append(run(folder, 300))
        readers = [server.listen() for _ in range(READERS)]
        beside.append(run(folder, 300))
        for reader in readers:
            reader.close()
    ratio = statistics.median(beside) / statistics.median(alone)
    return Figure(
        f"a run beside {READERS} readers", ratio, "× alone", 1.05, note=f"{statistics.median(alone):.2f} s alone"
    )
