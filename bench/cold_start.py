"""Cold start: CPU and memory of ``--help`` and ``validate`` beside ``python -c pass``; how soon a run is over."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.calls import PROVIDERS
from bench.measure import Figure, medians, run_child, seconds
from bench.server import running
from bench.workflows import chain_text

HELP_AT_MOST = 8
VALIDATE_AT_MOST = 18
MEMORY_AT_MOST_MB = 50
SHELL_AT_MOST_S, CALL_AT_MOST_S = 0.25, 0.45
CALL_AT_MOST_MB = 60
_SHELL = "nano_flow: 1\nname: shell\nsteps:\n  say: {run: [echo, hello]}\n"
_CALL = "nano_flow: 1\nname: call\nsteps:\n  say: {prompt: Say hello., model: loopback/gpt-5-mini}\n"


def figures(times: int = 11) -> list[Figure]:
    """Ratios of CPU time, peak memory, and wall time of whole runs, of a new process."""
    with tempfile.TemporaryDirectory() as folder, running() as address:
        file = Path(folder) / "ten.yaml"
        file.write_text(chain_text(10))
        nothing = [sys.executable, "-c", "pass"]
        help_ = [sys.executable, "-m", "nano_flow", "--help"]
        validate = [sys.executable, "-m", "nano_flow", "validate", str(file)]
        commands = (nothing, help_, validate)
        run_child(help_)
        run_child(validate)
        base, helped, validated = medians([lambda c=c: run_child(c).cpu_s for c in commands], times)  # type: ignore[misc]
        memory = run_child(validate).peak_mb
        for name, text in (("shell", _SHELL), ("call", _CALL), ("providers", PROVIDERS % address)):
            (Path(folder) / f"{name}.yaml").write_text(text)
        runs = [[sys.executable, "-m", "nano_flow", "-q", "run", f"{name}.yaml"] for name in ("shell", "call")]
        taken = [lambda r=r: seconds(lambda: run_child(r, Path(folder), {"LOOPBACK_API_KEY": "none"})) for r in runs]
        shell, call = medians(taken, times)
        call_memory = run_child(runs[1], Path(folder), {"LOOPBACK_API_KEY": "none"}).peak_mb
    return [
        Figure("--help, CPU", helped / base, "× python -c pass", HELP_AT_MOST, note=f"{helped * 1000:.0f} ms"),
        Figure("validate of 10 steps, CPU", validated / base, "× python -c pass", VALIDATE_AT_MOST,
               note=f"{validated * 1000:.0f} ms; Conductor 155 ×"),
        Figure("validate of 10 steps, memory", memory, "MB", MEMORY_AT_MOST_MB),
        Figure("run of one shell step, wall", shell, "s", SHELL_AT_MOST_S),
        Figure("run of one call on a loopback server, wall", call, "s", CALL_AT_MOST_S),
        Figure("run of one call, memory", call_memory, "MB", CALL_AT_MOST_MB),
    ]  # fmt: skip
