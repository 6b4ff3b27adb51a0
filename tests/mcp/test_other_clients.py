"""Clients that others wrote: the TypeScript SDK, and the command line of the MCP inspector."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.project import project, words

HERE = Path(__file__).parent
BIN = HERE / "node_modules" / ".bin"
INSPECTOR = HERE / "node_modules" / "@modelcontextprotocol" / "inspector"
needs_node = pytest.mark.skipif(
    not (BIN / "node").exists() or not INSPECTOR.exists(),
    reason="npm's packages of tests/mcp are not installed: npm install in tests/mcp",
)


def environ() -> dict[str, str]:
    """The environment of a client: its own Node first, this checkout for Python."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}


def ran(folder: Path, *command: str) -> Any:
    """What a client printed, as JSON."""
    done = subprocess.run(command, cwd=folder, env=environ(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(told: dict[str, Any]) -> None:
    assert {"greet", "ship", "prompt_nano_agent"} <= set(told["tools"])
    assert told["greet"]["said"] == "hello Ada"
    assert told["ship"] == {"line": "publish from node", "by": "mcp:typescript"}
    assert told["agent"]["success"] is True
    assert told["resources"] == 3
    assert any("shout" in message for message in told["progress"])


@needs_node
def test_the_typescript_sdk_over_standard_streams(tmp_path: Path) -> None:
    project(tmp_path)
    check(ran(tmp_path, str(BIN / "node"), str(HERE / "client.mjs"), "stdio", sys.executable, *words()))


@pytest.fixture
def http(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address and the token of a server over HTTP."""
    command = [sys.executable, *words("--http", "--port", "0")]
    process = subprocess.Popen(
        command, cwd=project(tmp_path), env=environ(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.match(r"(http://127\.0\.0\.1:\d+/mcp) +Authorization: Bearer (\S+)", line)
    assert found is not None, line + process.stderr.read()
    try:
        yield found[1], found[2]
    finally:
        process.terminate()
        process.communicate(timeout=30)


@needs_node
def test_the_typescript_sdk_over_http(tmp_path: Path, http: tuple[str, str]) -> None:
    check(ran(tmp_path, str(BIN / "node"), str(HERE / "client.mjs"), "http", *http))


def inspected(folder: Path, *more: str) -> Any:
    """One call of the inspector."""
    server = [sys.executable, *words()]
    return ran(folder, str(BIN / "mcp-inspector"), "--cli", *server, *more)


@needs_node
def test_the_inspector_lists_and_calls(tmp_path: Path) -> None:
    project(tmp_path)
    tools = {tool["name"]: tool for tool in inspected(tmp_path, "--method", "tools/list")["tools"]}
    assert tools["greet"]["inputSchema"]["required"] == ["who"]
    called = inspected(tmp_path, "--method", "tools/call", "--tool-name", "greet", "--tool-arg", "who=Ada")
    assert called["structuredContent"]["said"] == "hello Ada"
    assert inspected(tmp_path, "--method", "resources/list")["resources"][0]["uri"].startswith("nano-flow://runs/")
