"""``python -m bench.routing [--data DIR] [--quick]``: who ranks prompts how well, worst set first."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.measure import ROOT
from bench.routing import DATA
from bench.routing.report import Report, measured, text


def main(arguments: list[str]) -> int:
    """Measure, print, write bench/results/routing.json; 1 where a bound is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.routing", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help=f"the folder of outcomes (default: {DATA})")
    parser.add_argument("--quick", action="store_true", help="leave out what is trained")
    given = parser.parse_args(arguments)
    if not given.data.is_dir():
        print(f"{given.data} is not there: name the folder of outcomes with --data DIR", file=sys.stderr)
        return 2
    report: Report = measured(given.data, quick=given.quick)
    print(text(report))
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    (folder / "routing.json").write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
