"""What MCP servers said of their tools when they were accepted: a tool that says something else stops the run."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import StoreError
from nano_flow.core.messages import Json, ToolSpec

FILE = "mcp-pins.json"
SCHEMA = "nano-flow/mcp-pins@1"

Described = dict[str, str]
"""``description`` and ``parameters`` of one tool, each as a digest; of a listed tool its ``output_schema`` as JSON."""
Server = dict[str, Described]
"""The tools of one server."""


@dataclass(frozen=True, slots=True)
class Change:
    """A tool that is not what was accepted; ``what`` is ``description``, ``parameters``, both, or ``new``."""

    tool: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one server of one workflow; ``offered`` is what it said instead, if it did."""

    workflow: str
    server: str
    accepted: Server
    offered: Server


_SIDES = ("accepted", "offered", "listed")


class Pins:
    """The file ``mcp-pins.json`` of a state folder; one writer at a time."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    def check(
        self,
        workflow: str,
        server: str,
        specs: Mapping[str, ToolSpec],
        wanted: Sequence[str],
        outputs: Mapping[str, Json] | None = None,
    ) -> list[Change]:
        """Which of the ``wanted`` tools changed. The first time that a server is seen, all it says is accepted.

        ``outputs`` are the schemas of results, kept as they were listed last. Raises StoreError.
        """
        said = {name: described(spec) for name, spec in specs.items()}
        listed = {name: {"output_schema": json.dumps(schema)} for name, schema in (outputs or {}).items()}
        with self._changing() as kept:
            servers = kept.setdefault(self._key(workflow), {})
            known = servers.get(server)
            if known is None:
                servers[server] = {"accepted": said, "offered": {}, "listed": listed}
                return []
            known["listed"] = listed
            accepted = known["accepted"]
            changes = [change for name in wanted if (change := _change(name, accepted.get(name), said[name]))]
            known["offered"] = {change.tool: said[change.tool] for change in changes}
            return changes

    def accept(self, server: str, workflow: str | None = None) -> list[tuple[str, str]]:
        """Accept what ``server`` offered last, in ``workflow`` or in all: (workflow, tool) for each. StoreError."""
        accepted: list[tuple[str, str]] = []
        with self._changing() as kept:
            for key, servers in kept.items():
                if server not in servers or (workflow is not None and key != self._key(workflow)):
                    continue
                offered = servers[server]["offered"]
                accepted.extend((key, tool) for tool in offered)
                servers[server] |= {"accepted": {**servers[server]["accepted"], **offered}, "offered": {}}
        return accepted

    def entries(self) -> list[Entry]:
        """All that is kept. Raises StoreError."""
        kept = self._read()
        return [
            Entry(workflow, server, known["accepted"], known["offered"])
            for workflow, servers in sorted(kept.items())
            for server, known in sorted(servers.items())
        ]

    def outputs(self, workflow: str, server: str) -> dict[str, Json]:
        """The tools that ``server`` is known to have, each with the schema of its results, or None. StoreError."""
        known = self._read().get(self._key(workflow), {}).get(server)
        if known is None:
            return {}
        listed = {name: json.loads(said["output_schema"]) for name, said in known["listed"].items()}
        return {**dict.fromkeys(known["accepted"]), **listed}

    def _key(self, workflow: str) -> str:
        """The workflow's path from the folder of the state, so that a checkout may be moved."""
        return os.path.relpath(os.path.abspath(workflow), os.path.abspath(self._path.parent.parent))

    def _read(self) -> dict[str, dict[str, dict[str, Server]]]:
        try:
            data = json.loads(self._path.read_bytes())
            return {
                workflow: {server: _server(known) for server, known in servers.items()}
                for workflow, servers in data["workflows"].items()
            }
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(str(self._path), f"cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, AttributeError, TypeError):
            raise StoreError(str(self._path), "is damaged; without it every server is accepted anew") from None

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, dict[str, Server]]]]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path.with_suffix(".lock"), "ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = self._read()
                before = json.dumps(kept, sort_keys=True)
                yield kept
                if json.dumps(kept, sort_keys=True) != before:
                    self._write(kept)
        except OSError as error:
            raise StoreError(str(self._path), f"cannot be written: {error.strerror}") from None

    def _write(self, kept: Mapping[str, object]) -> None:
        draft = self._path.with_suffix(f".{os.getpid()}.part")
        text = json.dumps({"schema": SCHEMA, "workflows": kept}, indent=1, sort_keys=True)
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, self._path)


def described(spec: ToolSpec) -> Described:
    """The digests of what a server says of one tool."""
    return {"description": _digest(spec.description), "parameters": _digest(dict(spec.parameters))}


def _change(name: str, accepted: Described | None, said: Described) -> Change | None:
    if accepted is None:
        return Change(name, ("new",))
    what = tuple(side for side, digest in said.items() if accepted.get(side) != digest)
    return Change(name, what) if what else None


def _digest(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _server(known: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, Server]:
    """Versions before kept no schemas of results."""
    whole = {"listed": {}, **known}
    return {side: {tool: dict(said) for tool, said in whole[side].items()} for side in _SIDES}
