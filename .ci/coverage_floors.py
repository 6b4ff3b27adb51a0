"""Holds the bounds of coverage: 99 % of the pure rooms, 90 % of the branches elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

PURE = frozenset({"core", "source", "documents", "plan", "pricing", "routing", "views", "runtime/state.py"})
PURE_AT_LEAST = 99.0
BRANCHES_AT_LEAST = 90.0


def room_of(path: str) -> str:
    """``engine/nano_flow/plan/passes/x.py`` → ``plan``; the one pure module of the runtime is a room of its own."""
    parts = Path(path).parts
    inside = parts[parts.index("nano_flow") + 1 :]
    if inside == ("runtime", "state.py"):
        return "runtime/state.py"
    return inside[0] if len(inside) > 1 else "(top)"


def shares(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, tuple[float, float]]:
    """Room → percent of its lines and branches together, percent of its branches alone."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for path, file in report["files"].items():
        summary = file["summary"]
        for index, key in enumerate(("covered_lines", "num_statements", "covered_branches", "num_branches")):
            counts[room_of(path)][index] += summary[key]
    return {
        room: (
            100 * (lines + branches) / max(1, all_lines + all_branches),
            100 * branches / max(1, all_branches) or 100,
        )
        for room, (lines, all_lines, branches, all_branches) in sorted(counts.items())
    }


def main() -> int:
    """Print a line a room; 1 where a bound is broken."""
    text = subprocess.run(
        [sys.executable, "-m", "coverage", "json", "-q", "-o", "-"], check=True, capture_output=True, text=True
    ).stdout
    broken = 0
    for room, (whole, branches) in shares(json.loads(text)).items():
        value, bound = (whole, PURE_AT_LEAST) if room in PURE else (branches, BRANCHES_AT_LEAST)
        kept = value >= bound
        broken += not kept
        kind = "lines and branches" if room in PURE else "branches"
        print(f"{room:<18} {value:6.2f} % of {kind:<18}  bound {bound:g} %{'' if kept else '  BROKEN'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
