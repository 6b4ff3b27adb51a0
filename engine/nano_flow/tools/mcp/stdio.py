"""An MCP server as a child process: messages on its pipes, bounded; nothing of it survives the run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from nano_flow.ports import ServerOrder
from nano_flow.tools.commands import INHERITED
from nano_flow.tools.processes.local import CHUNK, OwnedProcess, start_process
from nano_flow.tools.processes.tree import ProcessTree

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

    Sender = MemoryObjectSendStream[SessionMessage | Exception]
    Receiver = MemoryObjectReceiveStream[SessionMessage]

_MESSAGE = 16 * 1_048_576
"""Bytes of one message."""
_STRAY = 4 * 1_048_576
"""Bytes on stdout between two messages that are no message: many servers log there, none says so much."""
_FAREWELL_S = 2.0
"""Seconds that a server has to leave once its input is closed."""
_STDERR = 2_000


@dataclass(slots=True)
class Troubles:
    """What was seen of a server besides its messages, for the error that tells of its end."""

    garbage: str = ""
    stderr: deque[str] = field(default_factory=lambda: deque(maxlen=_STDERR))
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def text(self) -> str:
        """As the end of a sentence."""
        said = "".join(self.stderr).strip()
        parts = [self.garbage, f"stderr: {said}" if said else ""]
        return "".join(f"; {part}" for part in parts if part)


@contextlib.asynccontextmanager
async def stdio_streams(
    order: ServerOrder, environ: Mapping[str, str], tree: ProcessTree, troubles: Troubles
) -> AsyncIterator[TransportStreams]:
    """The streams of a server that is started here, and ended when the block is left."""
    inherited = {name: environ[name] for name in INHERITED if name in environ}
    owned = await start_process(order.command, {**inherited, **order.env}, order.workspace, tree, stdin=True)
    to_session, from_server = anyio.create_memory_object_stream["SessionMessage | Exception"](0)
    to_server, from_session = anyio.create_memory_object_stream["SessionMessage"](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read_messages, owned, to_session, troubles)
        tasks.start_soon(_write_messages, owned, from_session)
        tasks.start_soon(_read_stderr, owned, troubles)
        tasks.start_soon(_bury, owned)
        try:
            yield from_server, to_server
        finally:
            with anyio.CancelScope(shield=True):
                await _farewell(owned)
            for stream in (to_session, from_server, to_server, from_session):
                stream.close()
            tasks.cancel_scope.cancel()


async def _farewell(owned: OwnedProcess) -> None:
    """Close its input, wait, insist: the order that the protocol asks for."""
    if owned.process.stdin is not None:
        owned.process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_S):
            await owned.wait()
    await owned.end()


async def _bury(owned: OwnedProcess) -> None:
    """A server that ends takes with it what it started, so that its pipes close."""
    await owned.wait()


async def _read_messages(owned: OwnedProcess, to_session: Sender, troubles: Troubles) -> None:
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    stray = 0
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for line in _lines(owned, troubles):
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                if _is_broken(line):  # whoever waits for it would wait for the whole of its time
                    troubles.garbage = (
                        f"it sent a message that is none of the protocol: {line[:80].decode(errors='replace')!r}"
                    )
                    break
                stray += len(line)
                troubles.garbage = f"it writes to stdout what is no message: {line[:80].decode(errors='replace')!r}"
                if stray > _STRAY:
                    break
            else:
                stray = 0
                await to_session.send(SessionMessage(message))
    troubles.over.set()
    to_session.close()


def _is_broken(line: bytes) -> bool:
    """Whether a line that is no message was meant to be one, not a server's log."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        said = json.loads(line)
    except ValueError:
        return b'"jsonrpc"' in line
    return isinstance(said, dict) and ("jsonrpc" in said or ("id" in said and ("result" in said or "error" in said)))


async def _lines(owned: OwnedProcess, troubles: Troubles) -> AsyncIterator[bytes]:
    stdout = owned.process.stdout
    assert stdout is not None
    waiting = bytearray()
    while chunk := await stdout.read(CHUNK):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            waiting += line
            if waiting.strip():
                yield bytes(waiting)
            waiting.clear()
        waiting += rest
        if len(waiting) > _MESSAGE:
            troubles.garbage = f"it sent a message of more than {_MESSAGE:,} bytes"
            return


async def _write_messages(owned: OwnedProcess, from_session: Receiver) -> None:
    stdin = owned.process.stdin
    assert stdin is not None
    with contextlib.suppress(ConnectionError, anyio.ClosedResourceError):
        async for item in from_session:
            stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await stdin.drain()


async def _read_stderr(owned: OwnedProcess, troubles: Troubles) -> None:
    stderr = owned.process.stderr
    assert stderr is not None
    while chunk := await stderr.read(CHUNK):
        troubles.stderr.extend(chunk[-_STDERR:].decode("utf-8", errors="replace"))
