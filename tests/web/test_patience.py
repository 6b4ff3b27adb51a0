"""Clients that are slow, many or hostile: cut off, bounded in memory, and in nobody's way."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import uvicorn

from nano_flow.core.errors import UsageError
from nano_flow.web.machines import MetricsBeside
from nano_flow.web.security import patience
from nano_flow.web.security.patience import PatientProtocol
from tests.web.shop import Shop

SOON = 0.3


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A server of ours that answers everything with ``answer``; its port."""

    async def app(scope: object, receive: object, send: object) -> None:
        assert callable(send) and isinstance(scope, dict) and scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=PatientProtocol, lifespan="off", log_level="critical"))  # type: ignore[arg-type]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)
        listener.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
def test_a_head_that_does_not_come_is_given_up(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", SOON)
    with listening(b"hi") as port, closing(socket.create_connection(("127.0.0.1", port), 20)) as client:
        client.sendall(sent)
        assert client.recv(100) == b""  # closed from there


def test_a_head_in_drops_is_given_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", SOON)
    with listening(b"hi") as port, closing(socket.create_connection(("127.0.0.1", port), 20)) as client:
        client.settimeout(0.05)
        client.sendall(b"GET / HTTP/1.1\r\n")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                client.sendall(b"a")
                if client.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        raise AssertionError("a head of one byte at a time was taken for ever")


def test_an_answer_that_nobody_takes_is_dropped_and_one_that_is_taken_comes_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "TAKE_SECONDS", SOON)
    whole = b"x" * 30_000_000
    asked = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

    def taken(rest: float) -> int:
        with listening(whole) as port, closing(socket.socket()) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect(("127.0.0.1", port))
            client.sendall(asked)
            gone = threading.Event()
            gone.wait(rest)
            size = 0
            try:
                while piece := client.recv(1_000_000):
                    size += len(piece)
            except ConnectionResetError:
                pass
            return size

    assert taken(0.0) >= len(whole)
    assert taken(6 * SOON) < len(whole)


@contextmanager
def served(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A server in a process of its own: process, address, token."""
    command = [sys.executable, "-m", "nano_flow", "serve", "--port", "0", "--json", "--workers", "0", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("}"):
                break
        address = urlsplit(json.loads(said)["address"])
        try:
            yield process, f"http://{address.netloc}", parse_qs(address.query)["token"][0]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def kilobytes(pid: int) -> int:
    """What a process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_five_hundred_idle_readers_cost_less_than_a_hundred_megabytes(shop: Shop) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1024:
        pytest.skip("too few files may be open here")
    shop.run("broken.yaml", code=1)
    with served(shop.folder) as (process, address, token):
        opener = build_opener(ProxyHandler({}))
        headers = {"Authorization": f"Bearer {token}"}

        def page() -> bytes:
            with opener.open(Request(f"{address}/", headers=headers), timeout=60) as answer:
                found: bytes = answer.read()
                return found

        page()
        before = kilobytes(process.pid)
        place = urlsplit(address)
        asked = f"GET /live HTTP/1.1\r\nhost: {place.netloc}\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        readers = []
        try:
            for _ in range(500):
                reader = socket.create_connection((place.hostname, place.port), 60)
                readers.append(reader)
                reader.sendall(asked)
            for reader in readers:
                assert b"200 OK" in reader.recv(2000)
            grown = (kilobytes(process.pid) - before) / 1024
            assert b"broken" in page()  # they are in nobody's way
            assert grown < 100, f"{grown:.0f} MB"
        finally:
            for reader in readers:
                reader.close()


def test_metrics_have_a_port_of_their_own_on_loopback(shop: Shop) -> None:
    shop.run("broken.yaml", code=1)
    opener = build_opener(ProxyHandler({}))
    with MetricsBeside(shop.site(), 0) as beside:
        assert beside.address.startswith("http://127.0.0.1:")
        with opener.open(beside.address, timeout=20) as answer:
            assert answer.headers["content-type"].startswith("text/plain") and b"nano_flow_" in answer.read()
        port = urlsplit(beside.address).port
        assert port is not None
        with pytest.raises(UsageError, match="cannot be served"):
            MetricsBeside(shop.site(), port)
        with pytest.raises(OSError, match="404"):
            opener.open(f"http://127.0.0.1:{port}/", timeout=20)


def test_an_address_that_others_reach_wants_a_token_file(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    from nano_flow.cli.main import run_command

    for host in ("0.0.0.0", "::", "10.0.0.1"):
        assert run_command(["-C", str(shop.folder), "serve", "--host", host]) == 2
        assert "--token-file" in capsys.readouterr().err
    file = shop.folder / "tokens"
    file.write_text(f"read {'x' * 30}\n")
    file.chmod(0o600)
    assert run_command(["-C", str(shop.folder), "serve", "--token-file", str(file), "--allow", "run"]) == 2
    assert "a token file says the role" in capsys.readouterr().err


def test_the_printed_token_reads_and_nothing_else(shop: Shop) -> None:
    run = shop.run("broken.yaml", code=1)
    with served(shop.folder) as (_, address, token):
        opener = build_opener(ProxyHandler({}))
        headers = {"Authorization": f"Bearer {token}"}
        with opener.open(Request(f"{address}/runs", headers=headers), timeout=60) as answer:
            assert run in answer.read().decode()
        with pytest.raises(OSError, match="403"):
            opener.open(Request(f"{address}/api/v1/runs/{run}/cancel", b"", headers), timeout=60)
        with opener.open(f"{address}/healthz", timeout=60) as answer:
            assert answer.read() == b'{"status":"ok"}'
