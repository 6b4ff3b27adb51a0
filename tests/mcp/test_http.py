"""Hosts over HTTP: the token, the name of the server, both eras."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from nano_flow.cli.main import run_command
from tests.mcp.test_other_clients import http

__all__ = ["http"]
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_host_with_the_token_runs_a_workflow(http: tuple[str, str], mode: Any) -> None:
    address, token = http

    async def call() -> Any:
        client = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
        async with Client(streamable_http_client(address, http_client=client), mode=mode) as host:
            return await host.call_tool("greet", {"who": "Ada"})

    assert asyncio.run(call()).structured_content["said"] == "hello Ada"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "TOKEN", "Host": "evil.example"}, 421),
        ({"Authorization": "TOKEN", "Origin": "http://evil.example"}, 403),
    ],
    ids=["no token", "another token", "rebinding", "another site"],
)
def test_nobody_else_gets_in(http: tuple[str, str], headers: dict[str, str], status: int) -> None:
    address, token = http
    sent = {name: value.replace("TOKEN", f"Bearer {token}") for name, value in headers.items()}
    assert httpx.post(address, json=LIST, headers={**HEADERS, **sent}).status_code == status


def test_a_port_that_is_taken_is_said(
    http: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = http[0].split(":")[2].split("/")[0]
    assert run_command(["-C", str(tmp_path), "mcp", "--http", "--port", port]) == 2
    assert "in use" in capsys.readouterr().err
