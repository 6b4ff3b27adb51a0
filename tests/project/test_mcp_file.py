"""Servers of a host's own file: read as hosts write them, refused with their place, carried over without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.operations.project.starter.mcp_servers import carried
from nano_flow.plan.reading.mcp_file import FileServer, ServerFault, read_server
from nano_flow.project.checking import check_file

STDIO = {"command": "npx", "args": ["-y", "server"]}


def file_of(table: str = "mcpServers", **servers: Any) -> str:
    return json.dumps({table: servers})


def read(said: dict[str, Any], table: str = "mcpServers") -> FileServer:
    return read_server(file_of(table, s=said), "s", "/project")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (STDIO, FileServer(("npx", "-y", "server"))),
        ({**STDIO, "type": "stdio", "autoApprove": ["x"]}, FileServer(("npx", "-y", "server"))),
        (
            {"command": "x", "env": {"N": 1, "B": True, "V": "${env:V}"}},
            FileServer(("x",), env={"N": "1", "B": "true", "V": "${V}"}),
        ),
        ({"command": "x", "args": ["${workspaceFolder}/a", "${userHome}"]}, FileServer(("x", "/project/a", "${HOME}"))),
        ({"command": "x", "timeout": 30000}, FileServer(("x",), timeout_s=30.0)),
        ({"command": "x", "timeout": 30}, FileServer(("x",), timeout_s=30.0)),
        ({"command": "x", "disabledTools": ["a"], "excludeTools": ["b"]}, FileServer(("x",), disabled=("a", "b"))),
        ({"command": "x", "sandbox": {}}, FileServer(("x",), left_out=("sandbox",))),
        ({"command": {"path": "x", "args": ["y"]}}, FileServer(("x", "y"))),
        (
            {"type": "http", "url": "https://a/mcp", "headers": {"X": "${K:-d}"}},
            FileServer(url="https://a/mcp", headers={"X": "${K:-d}"}),
        ),
        ({"serverUrl": "https://a/mcp"}, FileServer(url="https://a/mcp")),
        ({"httpUrl": "https://a/mcp"}, FileServer(url="https://a/mcp")),
        ({"command": "x", "cwd": "sub"}, FileServer(("x",), cwd="sub")),
    ],
)
def test_servers_are_read_as_hosts_write_them(said: dict[str, Any], expected: FileServer) -> None:
    for table in ("mcpServers", "servers", "context_servers"):
        assert read(said, table) == expected


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "sse", "url": "https://a"}, 'speaks "sse"'),
        ({"command": "x", "url": "https://a"}, "both a command and a url"),
        ({}, "neither a command nor a url"),
        ({"command": "x", "args": "y"}, "a list of texts"),
        ({"command": "x", "args": [1]}, "a list of texts"),
        ({"command": "x", "env": ["A=1"]}, "to map names to texts"),
        ({"command": "x", "env": {"T": "${input:t}"}}, "only its host can fill in"),
        ({"command": "x", "env": {"T": "{{ a }}"}}, "taken for a template"),
        ({"command": "x", "disabled": True}, "switched off"),
        ([], "no object"),
    ],
)
def test_what_cannot_be_started_is_said_why(said: Any, why: str) -> None:
    with pytest.raises(ServerFault, match=why):
        read(said)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is no JSON"),
        ("[]", "lists no servers"),
        ('{"mcpServers": []}', "lists no servers"),
        ('{"a": {}}', "lists no"),
    ],
)
def test_a_file_that_lists_nothing(text: str, why: str) -> None:
    with pytest.raises(ServerFault, match=why):
        read_server(text, "s", "/")


def test_comments_and_trailing_commas_and_a_byte_order_mark_are_passed_over() -> None:
    text = '\ufeff{ // hosts\n "mcpServers": {"s": {"command": "x", /* a */ "args": ["http://a//b",],},},}'
    assert read_server(text, "s", "/").command == ("x", "http://a//b")


WORKFLOW = """\
nano_flow: 1
name: w
tools:
  s: {mcp: {file: .mcp.json%s}}
steps:
  a: {tool: s.echo, with: {x: hi}}
outputs: {a: "{{ steps.a.output }}"}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", []),
        (", server: t", [(4, "NF311", 'has no server "t": it has "s"')]),
        (", disabled: [echo]", [(6, "NF319", 'the tool "s.echo" is disabled')]),
        (", command: [x]", [(4, "NF319", 'or is one of a "file"')]),
        (", timout: 3s", [(4, "NF203", "timout")]),
    ],
)
def test_a_workflow_names_a_server_of_a_file(
    more: str, said: list[tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".mcp.json").write_text(file_of(s=STDIO))
    Path("w.yaml").write_text(WORKFLOW % more)
    found = check_file(Path("w.yaml"))
    assert [(d.where.line, d.code) for d in found] == [(line, code) for line, code, _ in said]
    assert all(words in d.message + (d.hint or "") for d, (_, _, words) in zip(found, said, strict=True))


def test_a_file_of_servers_is_carried_over_without_its_secrets() -> None:
    secret = "ghp_0123456789abcdef"
    text = file_of(
        **{
            "My Tracker": {**STDIO, "env": {"GITHUB_TOKEN": secret, "MODE": "fast"}, "sandbox": 1},
            "web": {"url": "https://a/mcp", "headers": {"Authorization": f"Bearer {secret}9"}},
            "off": {"command": "x", "disabled": True},
        }
    )
    found = carried(text, ".mcp.json")
    assert secret not in found.file + found.workflow
    assert found.variables == ("GITHUB_TOKEN", "AUTHORIZATION")
    assert json.loads(found.file)["mcpServers"]["web"]["headers"] == {"Authorization": "Bearer ${AUTHORIZATION}"}
    assert (
        '  my_tracker: {mcp: {file: .mcp.json, server: "My Tracker"}}   # means nothing here: sandbox' in found.workflow
    )
    assert "tools: [my_tracker, web]" in found.workflow and "# left out" in found.workflow


def test_a_file_without_a_server_that_can_be_used_is_refused() -> None:
    with pytest.raises(UsageError, match="no server that can be used"):
        carried(file_of(s={"type": "sse", "url": "x"}), "f")
    with pytest.raises(UsageError, match="f lists no servers"):
        carried("{}", "f")
