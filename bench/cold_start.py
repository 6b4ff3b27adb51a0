"""Cold start: CPU and memory of ``--help`` and ``validate`` beside ``python -c pass``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import Figure, medians, run_child
from bench.workflows import chain_text

HELP_AT_MOST = 8
VALIDATE_AT_MOST = 28
MEMORY_AT_MOST_MB = 50


def figures(times: int = 11) -> list[Figure]:
    """Ratios of CPU time, and peak memory, of a new process."""
    with tempfile.TemporaryDirectory() as folder:
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
    return [
        Figure("--help, CPU", helped / base, "× python -c pass", HELP_AT_MOST, note=f"{helped * 1000:.0f} ms"),
        Figure("validate of 10 steps, CPU", validated / base, "× python -c pass", VALIDATE_AT_MOST,
               note=f"{validated * 1000:.0f} ms; Conductor 155 ×"),
        Figure("validate of 10 steps, memory", memory, "MB", MEMORY_AT_MOST_MB),
    ]  # fmt: skip
