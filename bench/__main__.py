"""``python -m bench [NAME ...]``: measure, print a table, write bench/results/latest.json; 1 if a bound is broken."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module

from bench.measure import ROOT, Figure

PARTS = (
    "cold_start",
    "loading",
    "scheduling",
    "journal",
    "calls",
    "agents",
    "telemetry",
    "mcp",
    "money",
    "scoring",
    "routing",
    "service",
    "service",
)


def main(names: list[str]) -> int:
    """Run the parts that are named, or all."""
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        print(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in names or PARTS:
        take: Callable[[], list[Figure]] = import_module(f"bench.{name}").figures
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += take()
    print(table(figures))
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.platform(), "cpus": _cpus()}
    text = json.dumps({"machine": machine, "figures": [asdict(f) | {"kept": f.kept} for f in figures]}, indent=2)
    (folder / "latest.json").write_text(text + "\n")
    return 0 if all(figure.kept for figure in figures) else 1


def table(figures: list[Figure]) -> str:
    """One line a figure: what, how much, the bound, kept or not."""
    rows = [
        (f.name, f"{f.value:9.2f}", f.unit, f"{'≤' if f.better == 'lower' else '≥'} {f.bound:g}",
         "kept" if f.kept else "BROKEN", f.note)
        for f in figures
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cpus() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
