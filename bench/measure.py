"""Taking a measurement: CPU and memory of a child, medians, a figure beside its bound."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """One result: ``value`` in ``unit``, what it was compared with, and the bound that it should keep."""

    name: str
    value: float
    unit: str
    bound: float
    better: str = "lower"
    note: str = ""

    @property
    def kept(self) -> bool:
        """True where the bound is kept."""
        return self.value <= self.bound if self.better == "lower" else self.value >= self.bound


@dataclass(frozen=True, slots=True)
class Child:
    """What a child process used."""

    cpu_s: float
    peak_mb: float


def run_child(arguments: Sequence[str], cwd: Path = ROOT, more: Mapping[str, str] | None = None) -> Child:
    """Run a command to its end, output thrown away, with ``more`` variables; RuntimeError where it fails."""
    process = subprocess.Popen(
        arguments,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**ordinary_environment(), **(more or {})},
    )
    assert process.stderr is not None
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed: {error.decode()[-500:]}")
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return Child(usage.ru_utime + usage.ru_stime, peak)


def ordinary_environment() -> dict[str, str]:
    """The environment of a user: bytecode is kept from the first run on."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call, garbage collected before it."""
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def medians(functions: Sequence[Callable[[], float]], times: int) -> list[float]:
    """The median of ``times`` results of each function, taken in turns so that a busy machine hurts all alike."""
    taken: list[list[float]] = [[] for _ in functions]
    for _ in range(times):
        for results, function in zip(taken, functions, strict=True):
            results.append(function())
    return [statistics.median(results) for results in taken]
