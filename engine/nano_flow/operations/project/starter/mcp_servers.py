"""A host's file of MCP servers as a workflow that may use their tools; secrets in plain text stay out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.secrets.forms import SHORTEST
from nano_flow.core.secrets.naming import sounds_secret
from nano_flow.plan.reading.mcp_file import ServerFault, read_server, servers_of

FILE = ".mcp.json"
WORKFLOW = "with-tools.yaml"
_WORD = re.compile(r"[^a-z0-9_]+")
_HEADERS = frozenset({"authorization", "cookie", "x-api-key"})
_HEAD = """\
# yaml-language-server: $schema=schemas/workflow.schema.json
# Tools of the servers in {file}; they are started by a run, and never by validate or plan.
nano_flow: 1
name: with-tools
description: An agent with the tools of {count} MCP {servers}.
inputs:
  task: {{type: string, default: Say which tools you have and what each is good for.}}
tools:
"""
_STEPS = """\
steps:
  work:
    prompt: "{{{{ inputs.task }}}}"
    tools: [{names}]
outputs:
  answer: "{{{{ steps.work.output }}}}"
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """What becomes of such a file: the workflow, the file as it may be committed, the variables that it now wants."""

    workflow: str
    file: str
    variables: tuple[str, ...]


def is_server_file(data: object) -> bool:
    """Whether ``data`` is a file of servers, and not a configuration of something else."""
    return isinstance(data, dict) and any(isinstance(data.get(key), dict) for key in ("mcpServers", "servers"))


def carried(text: str, shown: str) -> Servers:
    """The servers of ``text``. UsageError where it lists none that can be used."""
    try:
        table = servers_of(text)
    except ServerFault as fault:
        raise UsageError(f"{shown} {fault}") from None
    variables: dict[str, str] = {}
    kept = {name: _without_secrets(said, variables) for name, said in table.items()}
    file = json.dumps({"mcpServers": kept}, indent=2, ensure_ascii=False) + "\n"
    lines, names = [], list[str]()
    for name in table:
        tool = _tool_name(name, names)
        found = _declared(file, name, tool)
        names += [tool] if not found.startswith("  #") else []
        lines.append(found)
    if not names:
        raise UsageError(f"{shown} lists no server that can be used here:\n" + "\n".join(lines))
    head = _HEAD.format(file=FILE, count=len(names), servers="server" if len(names) == 1 else "servers")
    return Servers(head + "\n".join(lines) + "\n" + _STEPS.format(names=", ".join(names)), file, tuple(variables))


def _declared(file: str, name: str, tool: str) -> str:
    """The line of a server, or a comment with the reason why it is left out."""
    try:
        found = read_server(file, name, "/")
    except ServerFault as fault:
        return f"  # left out: {FILE} {fault}"
    server = f", server: {json.dumps(name)}" if tool != name else ""
    ignored = f"   # means nothing here: {', '.join(found.left_out)}" if found.left_out else ""
    return f"  {tool}: {{mcp: {{file: {FILE}{server}}}}}{ignored}"


def _tool_name(name: str, taken: list[str]) -> str:
    word = _WORD.sub("_", name.lower()).strip("_") or "server"
    word = word if word[0].isalpha() else f"s_{word}"
    return word if word not in taken else next(f"{word}_{n}" for n in range(2, 1000) if f"{word}_{n}" not in taken)


def _without_secrets(said: Json, variables: dict[str, str]) -> Json:
    """A server with variables in the place of what its file holds in plain text."""
    if not isinstance(said, dict):
        return said
    changed = dict(said)
    for key in ("env", "headers"):
        texts = said.get(key)
        if isinstance(texts, dict):
            changed[key] = dict(_masked(texts, variables))
    return changed


def _masked(texts: Mapping[str, Json], variables: dict[str, str]) -> Iterator[tuple[str, Json]]:
    for name, value in texts.items():
        plain = isinstance(value, str) and "${" not in value
        if not plain or not (sounds_secret(name) or name.lower() in _HEADERS):
            yield name, value
            continue
        before, space, secret = str(value).rpartition(" ")
        if len(secret) < SHORTEST:
            yield name, value
            continue
        variable = _variable(name, secret, variables)
        yield name, f"{before}{space}${{{variable}}}"


def _variable(name: str, secret: str, variables: dict[str, str]) -> str:
    """A name for a secret of its own; the same secret gets the same name."""
    word = re.sub(r"[^A-Z0-9_]+", "_", name.upper()).strip("_") or "MCP_SECRET"
    number = 1
    while variables.setdefault(found := word if number == 1 else f"{word}_{number}", secret) != secret:
        number += 1
    return found
