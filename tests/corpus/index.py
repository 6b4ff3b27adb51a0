"""The index of the corpus, and the files that are too large to keep."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
HEAD = "nano_flow: 1\nname: t\n"
HELLO = f"{HEAD}steps:\n  a:\n    prompt: hello\n"


@dataclass(frozen=True)
class Entry:
    """One file: what must become of it, and where that is said (0 where the place is free)."""

    file: str
    must: str
    code: str
    line: int
    column: int

    def text(self) -> bytes:
        """What the file holds."""
        if self.file in GENERATED:
            return GENERATED[self.file]().encode("utf-8")
        return (FOLDER / self.file).read_bytes()

    @property
    def name(self) -> str:
        """The name under which it is checked: ``x.routing.yaml`` stands for a ``routing.yaml``."""
        stem = self.file.rpartition("/")[2].removesuffix(".yaml")
        kind = stem.rpartition(".")[2]
        return f"{kind}.yaml" if kind in ("providers", "routing", "pricing") else f"{stem}.yaml"


def chain() -> str:
    """5,000 steps, each of which needs the one above it."""
    lines = ["  s0: {prompt: x}", *(f"  s{n}: {{prompt: x, needs: [s{n - 1}]}}" for n in range(1, 5000))]
    return f"{HEAD}steps:\n" + "\n".join(lines) + "\n"


GENERATED: dict[str, Callable[[], str]] = {
    "yaml/007_deep_flow_60000.yaml": lambda: f"{HELLO}x: {'[' * 60_000}{']' * 60_000}\n",
    "yaml/025_int_5000_digits.yaml": lambda: f"{HELLO}x: {'9' * 5000}\n",
    "yaml/067_many_anchors_30k.yaml": lambda: f"{HELLO}x:\n" + "".join(f"  - &a{n} x\n" for n in range(30_000)),
    "yaml/069_long_line_prompt.yaml": lambda: f'{HELLO}x: "{"a" * 2_000_000}"\n',
    "yaml/071_too_large.yaml": lambda: f'{HELLO}x: "{"a" * 2_100_000}"\n',
    "yaml/073_ten_thousand_slips.yaml": lambda: (
        f"{HEAD}steps:\n" + "".join(f"  s{n}: {{promt: x}}\n" for n in range(10_000))
    ),
    "schema/215_chain_5000.yaml": chain,
}


def entries(*verdicts: str) -> list[Entry]:
    """The entries with one of these verdicts; all where none is given."""
    with (FOLDER / "index.csv").open(encoding="utf-8", newline="") as file:
        found = [
            Entry(row["file"], row["must"], row["code"], int(row["line"] or 0), int(row["column"] or 0))
            for row in csv.DictReader(file)
        ]
    return [entry for entry in found if not verdicts or entry.must in verdicts]
