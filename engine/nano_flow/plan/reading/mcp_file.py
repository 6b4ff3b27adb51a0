"""Files in which hosts of MCP name their servers (``.mcp.json`` and its kin), as this engine starts them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nano_flow.core.messages import Json
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.reading.json_text import JsonFault, read_json

_TABLES = ("mcpServers", "servers", "context_servers")
"""Under which key hosts list their servers."""
_URLS = ("url", "serverUrl", "httpUrl")
_KINDS = {"stdio": "", "http": "", "streamable-http": "", "streamableHttp": "", "streamable_http": ""}
_READ = frozenset({"command", "args", "env", "headers", "cwd", "type", "transport", "transportType", "timeout", *_URLS})
_SWITCHED_OFF = ("disabledTools", "excludeTools", "disabled_tools")
_LEFT_TO_HOSTS = frozenset(
    {"autoApprove", "alwaysAllow", "trust", "description", "name", "icon", "gallery", "dev", "note", "enabled"}
)
"""Keys that tell a host whom to ask, or a person what it is: nothing follows from them here."""
_MILLISECONDS_FROM = 1000
"""A ``timeout`` of a file from which on it cannot mean seconds."""
_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_OTHER = re.compile(r"\$\{(?![A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\})([^}]*)\}|\$\{(workspaceFolder|userHome|cwd)\}")
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*[\s\S]*?\*/')
_TRAILING = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')


class ServerFault(ValueError):
    """What is wrong with a file, or with one server in it, in words."""


@dataclass(frozen=True, slots=True)
class FileServer:
    """One server of such a file. ``${VAR}`` stands in any of its texts; ``timeout_s`` in seconds.

    ``left_out`` are keys that mean nothing here.
    """

    command: tuple[str, ...] = ()
    url: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    timeout_s: float | None = None
    disabled: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def servers_of(text: str) -> Mapping[str, Json]:
    """The servers that a file lists, by name, as it writes them. Raises ServerFault."""
    try:
        data = read_json(text.removeprefix("\ufeff"))
    except JsonFault as fault:
        try:
            data = read_json(_without_comments(text.removeprefix("\ufeff")))  # some hosts write them
        except JsonFault:
            raise ServerFault(f"is no JSON: {fault}") from None
    table = next((data[key] for key in _TABLES if isinstance(data, dict) and key in data), None)
    if not isinstance(table, dict):
        raise ServerFault(f"lists no servers: expected an object under {listed(_TABLES[:2])}")
    return table


def read_server(text: str, name: str, folder: str) -> FileServer:
    """The server ``name`` of a file; ``folder`` is what the host would call its workspace. Raises ServerFault."""
    table = servers_of(text)
    if name not in table:
        hint = did_you_mean(name, table)
        raise ServerFault(f'has no server "{name}": it has {listed(table) or "none"}{f"; {hint}" if hint else ""}')
    said = table[name]
    if not isinstance(said, dict):
        raise ServerFault(f'says of "{name}" something that is no object')
    if said.get("disabled") is True or said.get("enabled") is False:
        raise ServerFault(f'has "{name}" switched off: take "disabled" out there, or declare the server here')
    return _server(name, said, folder)


def _server(name: str, said: Mapping[str, Json], folder: str) -> FileServer:
    kind = next((said[key] for key in ("type", "transport", "transportType") if key in said), "")
    url = next((said[key] for key in _URLS if said.get(key)), "")
    command, arguments = said.get("command", ""), said.get("args") or []
    if isinstance(command, dict):  # an older form of Zed's
        arguments, command = command.get("args") or [], command.get("path", "")
    if kind and kind not in _KINDS:
        raise ServerFault(f'says that "{name}" speaks "{kind}"; servers are spoken to over pipes or streamable HTTP')
    words = [command, *arguments] if isinstance(arguments, list) else [command]
    if not isinstance(arguments, list) or not all(isinstance(word, str) for word in words):
        raise ServerFault(f'expects "{name}" to be started by a text and a list of texts')
    if bool(command) == bool(url) or not isinstance(url, str):
        raise ServerFault(f'gives "{name}" {"both a command and a url" if url else "neither a command nor a url"}')
    timeout = said.get("timeout")
    known = {*_READ, *_SWITCHED_OFF, *_LEFT_TO_HOSTS, "disabled"}
    return _expanded(
        name,
        folder,
        FileServer(
            command=tuple(str(word) for word in words) if command else (),
            url=url,
            env=_texts(name, "env", said.get("env")),
            headers=_texts(name, "headers", said.get("headers")),
            cwd=str(said.get("cwd") or ""),
            timeout_s=_seconds(timeout),
            disabled=tuple(str(tool) for key in _SWITCHED_OFF for tool in _list(said.get(key))),
            left_out=tuple(key for key in said if key not in known),
        ),
    )


def _expanded(name: str, folder: str, server: FileServer) -> FileServer:
    """Variables in the form of this engine; what only a host could fill in is refused."""

    def text(written: str) -> str:
        if "{{" in written or "{%" in written:
            raise ServerFault(f'writes "{{{{" into "{name}", which would be taken for a template')
        return _OTHER.sub(other, _ENV.sub(r"${\1}", written))

    def other(match: re.Match[str]) -> str:
        word = match[1] or match[2] or ""
        if word in ("workspaceFolder", "cwd"):
            return folder
        if word == "userHome":
            return "${HOME}"
        raise ServerFault(f'wants "${{{word}}}" for "{name}", which only its host can fill in: write a ${{VARIABLE}}')

    return replace(
        server,
        command=tuple(text(word) for word in server.command),
        url=text(server.url),
        env={key: text(value) for key, value in server.env.items()},
        headers={key: text(value) for key, value in server.headers.items()},
        cwd=text(server.cwd),
    )


def _texts(name: str, key: str, said: Json) -> dict[str, str]:
    if said is None:
        return {}
    if not isinstance(said, dict) or any(isinstance(value, dict | list) for value in said.values()):
        raise ServerFault(f'expects "{key}" of "{name}" to map names to texts')
    return {word: _plain(value) for word, value in said.items() if value is not None}


def _plain(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(said: Json) -> list[Json]:
    return said if isinstance(said, list) else []


def _seconds(said: Json) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int | float) or said <= 0:
        return None
    return said / 1000 if said >= _MILLISECONDS_FROM else float(said)


def _without_comments(text: str) -> str:
    kept = _COMMENT.sub(lambda match: match[1] or " ", text)
    return _TRAILING.sub(lambda match: match[1] or "", kept)
