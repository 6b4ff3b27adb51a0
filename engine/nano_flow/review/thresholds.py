"""Thresholds of tiers from scores: by wanted shares, by a budget, by labels; pure arithmetic on a fixed grid."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

GRID = tuple(step / 20 for step in range(1, 201))
"""What ``below`` may be: a person reviews it, so two digits at most."""
_Ways = dict[int, tuple[int, float, tuple[int, ...]]]
"""Labels that are met → the cheapest thresholds for that: cost, distance from those in force, places of the grid."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One prompt: its score, what each tier would charge for it (all None where a price is unknown), its label."""

    score: float
    costs: tuple[int, ...] | None = None
    label: int | None = None


def tier_of(score: float, below: Sequence[float]) -> int:
    """The first tier whose ``below`` exceeds the score, else the last."""
    return bisect_right(below, score)


def shares(rows: Sequence[Scored], below: Sequence[float]) -> list[float]:
    """The share of each tier."""
    counts = [0] * (len(below) + 1)
    for row in rows:
        counts[tier_of(row.score, below)] += 1
    return [count / len(rows) for count in counts]


def mean_cost(rows: Sequence[Scored], below: Sequence[float]) -> float | None:
    """What one call costs on average, of those whose prices are known; None where there are none."""
    costs = [row.costs[tier_of(row.score, below)] for row in rows if row.costs is not None]
    return sum(costs) / len(costs) if costs else None


def by_shares(rows: Sequence[Scored], wanted: Sequence[float]) -> list[float]:
    """Thresholds that come nearest to ``wanted`` shares; equal scores cannot be parted."""
    scores = sorted(row.score for row in rows)
    found: list[float] = []
    start, reached = 0, 0.0
    for place, share in enumerate(wanted[:-1]):
        reached += share
        aim = reached * len(scores)
        room = range(start, len(GRID) - (len(wanted) - 2 - place))
        best = min(room, key=lambda j: abs(bisect_left(scores, GRID[j]) - aim))
        found.append(GRID[best])
        start = best + 1
    return found


def by_budget(rows: Sequence[Scored], current: Sequence[float], most: float) -> list[float] | None:
    """``current``, moved together as little upwards or as far downwards as calls cost ``most``; None where none does.

    The lowest ones that fit are taken: a budget that is there is used.
    """
    for step in range(-len(GRID), len(GRID) + 1):
        below = _moved(current, step)
        cost = mean_cost(rows, below)
        if cost is not None and cost <= most:
            return below
    return None


def _moved(current: Sequence[float], step: int) -> list[float]:
    """Thresholds by ``step`` places of the grid further, still rising and inside it."""
    places, low = [], 0
    for nth, below in enumerate(current):
        last = len(GRID) - len(current) + nth
        places.append(min(max(round(below * 20) - 1 + step, low), last))
        low = places[-1] + 1
    return [GRID[place] for place in places]


def by_labels(
    fit: Sequence[Scored], rows: Sequence[Scored], current: Sequence[float], most: float | None = None
) -> list[float] | None:
    """Thresholds under which most labels of ``fit`` are met; of equals those nearest to ``current``.

    With ``most``, of those only under which a call of ``rows`` costs that at most, of equals the cheapest; None where
    there are none. What a threshold gains or saves does not depend on the others, only that they rise: so it is
    enough to know, for each place of the last one, the cheapest way to each number of labels.
    """
    priced = [row for row in rows if row.costs is not None] if most is not None else []
    reached: list[_Ways] = [{0: (0, 0.0, ())}] * (len(GRID) + 1)
    for tier, usual in enumerate(current):
        gains = _running([(row.score, (row.label == tier) - (row.label == tier + 1)) for row in fit])
        costs = _running([(row.score, row.costs[tier] - row.costs[tier + 1]) for row in priced if row.costs])
        after: list[_Ways] = [{}]
        for place, below in enumerate(GRID):
            ways = dict(after[-1])
            for met, (cost, far, places) in reached[place].items():
                way = (cost + costs[place], far + abs(below - usual), (*places, place))
                if (number := met + gains[place]) not in ways or way < ways[number]:
                    ways[number] = way
            after.append(ways)
        reached = after
    room = 0.0 if most is None else most * len(priced) - sum(row.costs[-1] for row in priced if row.costs)
    fitting = {met: way for met, way in reached[-1].items() if way[0] <= room}
    return [GRID[place] for place in fitting[max(fitting)][2]] if fitting else None


def _running(steps: Sequence[tuple[float, int]]) -> list[int]:
    """For each place of the grid: the sum over all scores under it."""
    sums = [0] * (len(GRID) + 1)
    for score, step in steps:
        sums[bisect_right(GRID, score)] += step
    return list(accumulate(sums[:-1]))
