"""Labelled agent prompts: how many get the right tier, by source and language, with intervals."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from nano_flow.project.policies import Policies
from nano_flow.routing.facts import gather
from nano_flow.routing.reading import read_text

if TYPE_CHECKING:
    from bench.routing.held import Row

RIGHT_LEAST, EXTREMES_MOST, OTHER_LANGUAGES_LEAST, SAME_LEAST = 0.65, 0.09, 0.60, 0.85
ACROSS_LEAST = 0.60


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``of``, and the bound that it is held to: ``least`` or ``most``."""

    name: str
    hits: int
    of: int
    least: float | None = None
    most: float | None = None

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.of if self.of else 0.0

    @property
    def room(self) -> float:
        """How far it is from its bound: below 0 where that is broken."""
        return self.value - (self.least or 0.0) if self.most is None else self.most - self.value

    @property
    def kept(self) -> bool:
        """Whether the bound is held."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def text(self) -> str:
        """As a line, with Wilson's interval of 95 %."""
        low, high = wilson(self.hits, self.of)
        bound = f", at least {self.least:.0%}" if self.least else f", at most {self.most:.0%}" if self.most else ""
        return f"{self.name:44} {self.value:6.1%}  [{low:.1%}, {high:.1%}]  {self.hits} of {self.of}{bound} wanted"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The interval that holds the true share in 95 of 100 cases."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


def shares(folder: Path, policies: Policies) -> list[Share]:
    """All figures, the worst beside its bound first; none where the folder is not there."""
    file = folder / "prompts.jsonl"
    if not file.is_file():
        return []
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    names = [tier.name for tier in policies.routing.tiers]
    got = [(row, names[_tier(row["prompt"], policies)]) for row in rows]
    low, high = names[0], names[-1]

    def count(name: str, among: Callable[[dict], bool], hit: Callable[[dict, str], bool], **bound: float) -> Share:  # type: ignore[type-arg]
        chosen = [(row, tier) for row, tier in got if among(row)]
        return Share(name, sum(hit(row, tier) for row, tier in chosen), len(chosen), **bound)

    right: Callable[[dict, str], bool] = lambda row, tier: row["tier"] == tier  # type: ignore[type-arg]  # noqa: E731
    found = [
        count("right tier", lambda row: True, right, least=RIGHT_LEAST),
        count(f"{high} sent to {low}", lambda row: row["tier"] == high, lambda _, t: t == low, most=EXTREMES_MOST),
        count(f"{low} sent to {high}", lambda row: row["tier"] == low, lambda _, t: t == high, most=EXTREMES_MOST),
        count("right tier, not English", lambda row: row["lang"] != "en", right, least=OTHER_LANGUAGES_LEAST),
    ]
    for source in sorted({row["id"][0] for row in rows}):
        found.append(count(f"right tier, source {source}", lambda row, s=source: row["id"][0] == s, right))  # type: ignore[misc]
    for language in sorted({row["lang"] for row in rows}):
        found.append(count(f"right tier, {language}", lambda row, s=language: row["lang"] == s, right))  # type: ignore[misc]
    found += _parallel(folder / "parallel.jsonl", policies)
    found += _held_out(folder, policies, (low, high))
    return sorted(found, key=lambda share: (share.least is None and share.most is None, share.room))


def _held_out(folder: Path, policies: Policies, extremes: tuple[str, str]) -> list[Share]:
    """What the same signals find with weights of other prompts; nothing without numpy, which training brings."""
    try:
        from bench.routing import held
    except ImportError:
        return []
    (low, high), rows = extremes, held.rows_of(folder, policies)
    tried, last = held.cross_validated(rows), len(policies.routing.tiers) - 1

    def mean(name: str, among: Callable[[Row], bool], hit: Callable[[Row, int], bool], **bound: float) -> Share:
        counts = [each.count(among, hit) for each in tried]
        return Share(f"held out: {name}", round(sum(hits for hits, _ in counts) / len(counts)), counts[0][1], **bound)

    right: Callable[[Row, int], bool] = lambda row, tier: row.tier == tier  # noqa: E731
    found = [
        mean("right tier", lambda row: True, right, least=RIGHT_LEAST),
        mean(f"{high} sent to {low}", lambda row: row.tier == last, lambda _, tier: tier == 0, most=EXTREMES_MOST),
        mean(f"{low} sent to {high}", lambda row: row.tier == 0, lambda _, tier: tier == last, most=EXTREMES_MOST),
        mean("right tier, not English", lambda row: row.language != "en", right, least=OTHER_LANGUAGES_LEAST),
    ]
    for tuned, other in (("a", "b"), ("b", "a"), ("ab", "x")):
        hits, of = held.across(rows, tuned, other).count(lambda row: True, right)
        found.append(Share(f"tuned on {tuned}, tried on source {other}: right tier", hits, of, least=ACROSS_LEAST))
    return found


def _parallel(file: Path, policies: Policies) -> list[Share]:
    """How many translations of a task get the tier that most of its translations get."""
    if not file.is_file():
        return []
    same, of = 0, 0
    for line in file.read_text("utf-8").splitlines():
        tiers = [_tier(text, policies) for text in json.loads(line)["prompts"].values()]
        same, of = same + max(map(tiers.count, tiers)), of + len(tiers)
    return [Share("translations of a task in one tier", same, of, least=SAME_LEAST)]


def _tier(prompt: str, policies: Policies) -> int:
    reading = read_text(prompt)
    return policies.routing.tier_for(policies.routing.complexity(gather(reading), reading)[0])


def text(found: Sequence[Share]) -> str:
    """The figures as lines."""
    return "\n".join(share.text() for share in found)
