"""Metrics and the MCP server of ``nano-flow serve``, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from nano_flow.cli.main import run_command
from tests.cli.said import start

GREET = """nano_flow: 1
name: greet
inputs: {who: {type: string}}
steps: {shout: {run: [echo, "hello {{ inputs.who }}"]}}
outputs: {said: "{{ steps.shout.output.stdout }}"}
"""


def served(folder: Path, *more: str) -> tuple[subprocess.Popen[str], str, str]:
    """A server of a project with one offered workflow: its process, its address and its token."""
    (folder / "greet.yaml").write_text(GREET)
    (folder / "service.yaml").write_text("nano_flow: 1\nworkflows: {hello: {file: greet.yaml, mcp: true}}\n")
    process = start(folder, "serve", "--port", "0", "--workers", "0", "--json", *more)
    assert process.stdout is not None
    lines = ""
    while True:
        line = process.stdout.readline()
        lines += line
        if not line or line.startswith("}"):
            break
    address = urlsplit(json.loads(lines)["address"])
    return process, f"http://{address.netloc}", parse_qs(address.query)["token"][0]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[str, str]]:
    process, address, token = served(tmp_path, "--allow", "run")
    yield address, token
    process.terminate()
    process.communicate(timeout=30)


def test_a_host_runs_an_offered_workflow_and_the_metrics_count_it(shop: tuple[str, str]) -> None:
    address, token = shop
    headers = {"Authorization": f"Bearer {token}"}
    before = httpx.get(f"{address}/metrics", headers=headers)
    assert before.status_code == 200
    assert before.headers["content-type"].startswith("text/plain")

    async def call() -> Any:
        client = create_mcp_http_client(headers=headers)
        async with Client(streamable_http_client(f"{address}/mcp", http_client=client)) as host:
            return await host.call_tool("greet", {"who": "Ada"})

    assert asyncio.run(call()).structured_content == {"said": "hello Ada"}
    after = httpx.get(f"{address}/metrics", headers=headers).text
    assert 'nano_flow_runs_total{status="succeeded",workflow="greet"} 1.0' in after
    assert httpx.get(f"{address}/metrics").status_code == 401


def test_a_token_that_may_only_read_calls_no_tool(tmp_path: Path) -> None:
    process, address, token = served(tmp_path)
    try:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        answer = httpx.post(f"{address}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "role")
        assert httpx.get(f"{address}/metrics", headers=headers).status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_workflow_that_cannot_be_offered_stops_the_server_before_it_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greet.yaml").write_text(GREET.replace("steps:", "stepz:"))
    (tmp_path / "service.yaml").write_text("nano_flow: 1\nworkflows: {hello: {file: greet.yaml, mcp: true}}\n")
    assert run_command(["-C", str(tmp_path), "serve", "--port", "0"]) == 3
    assert "greet.yaml:4:1" in capsys.readouterr().err
