"""Commands of this machine: each in a session of its own, of which nothing outlives its step."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nano_flow.core.errors import StepError
from nano_flow.core.trace import with_trace
from nano_flow.ports import WHOLE, Capture, CommandResult
from nano_flow.ports.commands import Tell
from nano_flow.tools.processes.heard import Heard
from nano_flow.tools.processes.tree import ProcessTree

CHUNK = 65_536
_GRACE_S = 2.0
"""Seconds between the polite signal and the final one."""


class _Streams(asyncio.subprocess.SubprocessStreamProtocol):
    """Knows when the process is over; asyncio's own ``wait`` also waits for everybody who holds its pipes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=CHUNK, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


class OwnedProcess:
    """A running process with all that it will start; ``end`` leaves nothing of it."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, streams: _Streams, tree: ProcessTree, process: Process
    ) -> None:
        self._transport = transport
        self._streams = streams
        self._tree = tree
        self.process = process

    async def wait(self) -> int:
        """Its exit code, once it is over; what it left behind is ended then."""
        await self._streams.exited.wait()
        self._sweep()
        code = self._transport.get_returncode()
        assert code is not None
        return code

    async def end(self) -> None:
        """Ask politely, then insist; also where the waiting is cancelled."""
        try:
            if not self._streams.exited.is_set():
                self._tree.signal(self.process.pid, signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_GRACE_S):
                        await self._streams.exited.wait()
        finally:
            self._sweep()
        await self._streams.exited.wait()
        self.close()

    def close(self) -> None:
        """Let go of the pipes, whoever holds their other ends."""
        self._transport.close()

    def _sweep(self) -> None:
        self._tree.end(self.process.pid)
        self._tree.forget(self.process.pid)


async def start_process(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, tree: ProcessTree, *, stdin: bool
) -> OwnedProcess:
    """Start a command. Raises StepError("command"); a cancelled start leaves nothing."""
    starting = asyncio.ensure_future(_start(argv, env, cwd, tree, stdin=stdin))
    cancelled = False
    while not starting.done():  # a start that is broken off half-way would leave a process that nobody knows
        try:
            await asyncio.wait([starting])
        except asyncio.CancelledError:
            cancelled = True
    if not cancelled:
        return starting.result()
    if starting.exception() is None:
        await starting.result().end()
    raise asyncio.CancelledError


async def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, tree: ProcessTree, *, stdin: bool
) -> OwnedProcess:
    pipe = asyncio.subprocess.PIPE
    with tree.starting() as mark:
        try:
            loop = asyncio.get_running_loop()
            transport, streams = await loop.subprocess_exec(
                lambda: _Streams(loop),
                *argv,
                stdin=pipe if stdin else asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                env=with_trace(env),
                cwd=cwd,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise StepError("command", _not_found(argv[0], cwd)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StepError("command", f'"{argv[0]}" cannot be started: {str(reason).lower()}') from None
        process = Process(transport, streams, loop)
        tree.started(process.pid, mark)
    return OwnedProcess(transport, streams, tree, process)


class LocalCommands:
    """Runs commands with asyncio's subprocesses; ``tree`` is shared by all that starts processes in a run."""

    def __init__(self, tree: ProcessTree | None = None, tell: Tell | None = None) -> None:
        self._tree = tree or ProcessTree()
        self._tell = tell

    def telling(self, tell: Tell) -> LocalCommands:
        """The same, but ``tell`` hears of what they print while they run."""
        return LocalCommands(self._tree, tell)

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: str | None = None,
        capture: Capture = WHOLE,
    ) -> CommandResult:
        """Run a command to its end; see ``ports.Commands``."""
        owned = await start_process(argv, env, cwd, self._tree, stdin=stdin is not None)
        process = owned.process
        assert process.stdout is not None and process.stderr is not None
        heard = [Heard(name, self._tell) for name in ("stdout", "stderr")] if self._tell else [None, None]
        stdout, stderr = Kept(capture, heard=heard[0]), Kept(capture, heard=heard[1])
        pumps = [
            asyncio.ensure_future(stdout.fill(process.stdout)),
            asyncio.ensure_future(stderr.fill(process.stderr)),
            asyncio.ensure_future(_feed(process, stdin)),
        ]
        try:
            exit_code = await owned.wait()
            await asyncio.wait(pumps, timeout=_GRACE_S)  # nobody holds the other ends any more
        except BaseException:
            await owned.end()
            raise
        finally:
            for pump in pumps:
                pump.cancel()
            for each in heard:
                if each is not None:
                    each.close()
            owned.close()
        sizes = {name: kept.total for name, kept in (("stdout", stdout), ("stderr", stderr)) if kept.is_cut}
        return CommandResult(stdout.text(), stderr.text(), exit_code if exit_code >= 0 else 128 - exit_code, sizes)


@dataclass(slots=True)
class Kept:
    """What was read from a stream, as much of it as is wanted; the rest is read and dropped."""

    capture: Capture = WHOLE
    total: int = 0
    heard: Heard | None = None
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    async def fill(self, stream: asyncio.StreamReader) -> None:
        """Read to the end."""
        head, tail = self._shares()
        while chunk := await stream.read(CHUNK):
            self.total += len(chunk)
            if self.heard is not None:
                self.heard.take(chunk)
            free = head - len(self._head)
            self._head += chunk[:free]
            self._tail += chunk[max(0, free) :] if tail else b""
            if len(self._tail) > tail + CHUNK:
                del self._tail[:-tail]

    @property
    def is_cut(self) -> bool:
        """Whether something was dropped that nobody said may be."""
        return self.capture.side == "both" and self.total > self.capture.most

    def text(self) -> str:
        """As text: whole, or the ends that are kept, without a mark of ours."""
        _, tail = self._shares()
        end = self._tail[-tail:] if tail else b""
        gap = b"\n" if self.is_cut else b""
        return bytes(self._head + gap + end).decode("utf-8", errors="replace")

    def _shares(self) -> tuple[int, int]:
        """Bytes of the beginning, and of the end."""
        most = self.capture.most
        shares = {"both": (most - most // 2, most // 2), "head": (most, 0), "tail": (0, most), "none": (0, 0)}
        return shares[self.capture.side]


def _not_found(program: str, cwd: str) -> str:
    if not os.path.isdir(cwd):
        return f'the folder "{cwd}" does not exist'
    if os.path.isfile(os.path.join(cwd, program)) and os.sep in program:
        return f'"{program}" names an interpreter in its first line that does not exist'
    return f'"{program}" was not found (in the folder "{cwd}")'


async def _feed(process: Process, text: str | None) -> None:
    if process.stdin is not None and text is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(text.encode("utf-8", errors="replace"))
            await process.stdin.drain()
        process.stdin.close()
