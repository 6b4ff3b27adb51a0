"""The snippets for hosts in the docs: each field is one that the host knows, and what they start is our server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.house.tree import ROOT
from tests.mcp.project import project
from tests.mcp.test_other_clients import http

__all__ = ["http"]
LOCAL = {
    "mcpServers": {"type", "command", "args", "env"},
    "servers": {"type", "command", "args", "env", "envFile", "cwd"},
    "mcp_servers": {"command", "args", "env", "env_vars", "cwd"},
}
"""Key of the file → fields of a server that the host starts; by the hosts' own references, read in November 2026."""
REMOTE = {"type", "url", "headers"}
PAGES = ("README.md", "docs/mcp.md")


def snippets() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Page, key and one server of each snippet."""
    for page in PAGES:
        text = (ROOT / page).read_text()
        for kind, block in re.findall(r"```(json|toml)\n(.*?)```", text, re.S):
            document = json.loads(block) if kind == "json" else tomllib.loads(block)
            for key in LOCAL.keys() & document.keys():
                for server in document[key].values():
                    yield page, key, server


SNIPPETS = list(snippets())


def test_every_common_host_has_one() -> None:
    assert {key for _, key, _ in SNIPPETS} == set(LOCAL)
    assert {page for page, _, _ in SNIPPETS} == set(PAGES)
    assert any("url" in server for _, _, server in SNIPPETS)


@pytest.mark.parametrize(("page", "key", "server"), SNIPPETS)
def test_each_field_is_one_that_the_host_knows(page: str, key: str, server: dict[str, Any]) -> None:
    assert set(server) <= (REMOTE if "url" in server else LOCAL[key])
    assert server.get("type", "stdio") == ("http" if "url" in server else "stdio")


@pytest.mark.parametrize(("page", "key", "server"), [one for one in SNIPPETS if "command" in one[2]])
def test_what_a_host_starts_is_our_server(tmp_path: Path, page: str, key: str, server: dict[str, Any]) -> None:
    project(tmp_path)
    filled = [
        str(tmp_path)
        if word in ("/path/to/project", "${workspaceFolder}")
        else re.sub(r"^.*\.yaml$", "greet.yaml", word)
        for word in server["args"]
    ]
    assert server["command"] == "nano-flow"
    environ = {**os.environ, **server.get("env", {}), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = StdioServerParameters(command=sys.executable, args=["-m", "nano_flow", *filled], env=environ)

    async def tools() -> set[str]:
        async with Client(command, read_timeout_seconds=60) as host:
            return {tool.name for tool in (await host.list_tools()).tools}

    assert "greet" in asyncio.run(asyncio.wait_for(tools(), 90))


def test_the_address_and_header_of_the_snippet_are_those_of_the_server(http: tuple[str, str]) -> None:
    address, token = http
    (server,) = [server for _, _, server in SNIPPETS if "url" in server]
    url = re.sub(r":\d+", ":" + address.split(":")[2].split("/")[0], server["url"])
    headers = {name: value.replace("${NANO_FLOW_TOKEN}", token) for name, value in server["headers"].items()}

    async def tools() -> set[str]:
        client = create_mcp_http_client(headers=headers)
        async with Client(streamable_http_client(url, http_client=client)) as host:
            return {tool.name for tool in (await host.list_tools()).tools}

    assert "greet" in asyncio.run(asyncio.wait_for(tools(), 90))
