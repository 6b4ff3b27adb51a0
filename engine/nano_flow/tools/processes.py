"""Commands of this machine: each in a process group of its own, of which nothing outlives its step."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Mapping, Sequence

from nano_flow.core.errors import StepError
from nano_flow.ports import CommandResult

OUTPUT_CAP = 1_048_576
"""Bytes of stdout, and of stderr, that are kept; the rest is read and dropped."""

_CHUNK = 65_536
_GRACE_S = 2.0
"""Seconds between the polite signal and the final one."""

_SWEEPS = 50
"""Looks at the process table before giving up on a command that multiplies."""

_MARK = "NANO_FLOW_STEP"
"""Variable by which a command's descendants are found, also those that left its process group."""


class LocalCommands:
    """Runs commands with asyncio's subprocesses. Linux also kills descendants that made a session of their own."""

    async def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, stdin: str | None = None
    ) -> CommandResult:
        """Run a command to its end; see ``ports.Commands``."""
        mark = secrets.token_hex(8)
        process = await _start(argv, {**env, _MARK: mark}, cwd, stdin)
        assert process.stdout is not None and process.stderr is not None
        readers = [
            asyncio.ensure_future(_read(process.stdout)),
            asyncio.ensure_future(_read(process.stderr)),
            asyncio.ensure_future(_feed(process, stdin)),
        ]
        try:
            exit_code = await process.wait()
            _kill_all(process.pid, mark)  # a reader ends only when nobody holds the other end
            stdout, stderr, _ = await asyncio.gather(*readers)
        finally:
            if process.returncode is None:
                await _end(process, mark)
            for reader in readers:
                reader.cancel()
        return CommandResult(str(stdout), str(stderr), exit_code if exit_code >= 0 else 128 - exit_code)


async def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, stdin: str | None
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else pipe,
            stdout=pipe,
            stderr=pipe,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            limit=_CHUNK,
        )
    except FileNotFoundError:
        raise StepError("command", f'"{argv[0]}" was not found (in the folder "{cwd}")') from None
    except (OSError, ValueError) as error:
        raise StepError("command", f'"{argv[0]}" cannot be started: {error}') from None


async def _read(stream: asyncio.StreamReader) -> str:
    kept = bytearray()
    total = 0
    while chunk := await stream.read(_CHUNK):
        total += len(chunk)
        if len(kept) < OUTPUT_CAP:
            kept += chunk[: OUTPUT_CAP - len(kept)]
    text = kept.decode("utf-8", errors="replace")
    return text if total <= OUTPUT_CAP else f"{text}\n[cut: {total - OUTPUT_CAP} more bytes]"


async def _feed(process: asyncio.subprocess.Process, text: str | None) -> str:
    if process.stdin is not None and text is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(text.encode("utf-8"))
            await process.stdin.drain()
        process.stdin.close()
    return ""


async def _end(process: asyncio.subprocess.Process, mark: str) -> None:
    """Ask politely, then insist."""
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    _kill_all(process.pid, mark)
    await process.wait()


def _kill_all(group: int, mark: str) -> None:
    """Kill the group and the marked ones until none is left: a fork may race with one look at the table."""
    _signal_group(group, signal.SIGKILL)
    for _ in range(_SWEEPS):
        alive = _marked(mark)
        if not alive:
            return
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _marked(mark: str) -> list[int]:
    """Processes whose environment holds ``mark`` (Linux; elsewhere none are found)."""
    wanted = f"{_MARK}={mark}".encode()
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    environ = file.read()
            except OSError:
                continue
            if wanted in environ.split(b"\0"):
                found.append(int(name))
    return found
