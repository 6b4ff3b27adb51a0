"""From a host's call of a tool to the first progress that it hears, beside the same run started in this process."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import ROOT, Figure, ordinary_environment

TIMES = 15
AT_MOST_MS = 50.0
_WORKFLOW = """\
nano_flow: 1
name: one
description: One step.
inputs: {}
steps: {say: {prompt: Say hello, model: sim/small}}
outputs: {said: "{{ steps.say.output }}"}
"""


def figures() -> list[Figure]:
    """Milliseconds that the protocol and its server add; the first call, which imports, is told beside."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "one.yaml").write_text(_WORKFLOW)
        called = asyncio.run(_called(folder))
        floor = statistics.median(asyncio.run(_started(folder)))
    beyond = 1000 * (statistics.median(called[1:]) - floor)
    note = f"{1000 * floor:.1f} ms in process; first call {1000 * called[0]:.0f} ms"
    return [Figure("MCP call to its first progress", beyond, "ms beyond the run", AT_MOST_MS, note=note)]


async def _called(folder: str) -> list[float]:
    """Seconds from each call to its first progress."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    taken: list[float] = []
    path = os.pathsep.join([str(ROOT), str(ROOT / "engine")])
    command = ["-m", "nano_flow", "-C", folder, "mcp", "one.yaml", "--offline"]
    server = StdioServerParameters(
        command=sys.executable, args=command, env={**ordinary_environment(), "PYTHONPATH": path}
    )
    async with Client(server, read_timeout_seconds=60) as host:
        for _ in range(TIMES + 1):
            first: list[float] = []

            async def heard(done: float, total: float | None, message: str | None, first: list[float] = first) -> None:
                first.append(time.perf_counter())

            start = time.perf_counter()
            result = await host.call_tool("one", {}, progress_callback=heard)
            if result.is_error:
                raise RuntimeError(str(result.content))
            taken.append(first[0] - start)
    return taken


async def _started(folder: str) -> list[float]:
    """Seconds from each start to its first event about a step."""
    import nano_flow
    from nano_flow.project.preparing import RunOptions

    os.chdir(folder)
    taken: list[float] = []
    for _ in range(TIMES + 1):
        told = Told()
        start = time.perf_counter()
        result = await nano_flow.arun("one.yaml", options=RunOptions(offline=True), sinks=[told])
        if result.status != "succeeded":
            raise RuntimeError(str(result.error))
        taken.append(told.steps[0] - start)
    os.chdir(ROOT)
    return taken[1:]


class Told:
    """A sink that keeps when steps began."""

    def __init__(self) -> None:
        self.steps: list[float] = []

    def handle(self, event: object) -> None:
        """Take one event."""
        if type(event).__name__ == "StepStarted":
            self.steps.append(time.perf_counter())

    def close(self) -> None:
        """Nothing is held."""
