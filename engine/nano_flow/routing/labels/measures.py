"""How good a score is at telling which prompts need the stronger model: APGR, CPT, bounds, thresholds.

A *gain* is the strong model's outcome less the weak one's, by prompt (1 where only the strong one is right).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

ONE_SIDED_95 = 1.645


def area_weights(scores: Sequence[float]) -> list[float]:
    """By prompt, the share of the range of budgets under which it is sent to the strong model; ties share."""
    count = len(scores)
    order = sorted(range(count), key=lambda place: -scores[place])
    weights = [0.0] * count
    start = 0
    while start < count:
        end = start
        while end < count and scores[order[end]] == scores[order[start]]:
            end += 1
        weight = 1.0 - (start + end) / 2 / count
        for place in order[start:end]:
            weights[place] = weight
        start = end
    return weights


def apgr(scores: Sequence[float], gains: Sequence[float]) -> float | None:
    """Area under the share of the gain that is recovered, against the share of strong calls; random is 0.5.

    None where the strong model gains nothing.
    """
    total = sum(gains)
    if total <= 0:
        return None
    return sum(weight * gain for weight, gain in zip(area_weights(scores), gains, strict=True)) / total


def cpt(scores: Sequence[float], gains: Sequence[float], share: float) -> float | None:
    """The smallest share of strong calls that recovers ``share`` of the gain; ties are taken in part."""
    total = sum(gains)
    if total <= 0:
        return None
    reached, calls = 0.0, 0
    for size, gain in _steps(scores, gains):
        if reached + gain >= share * total:
            needed = (share * total - reached) / gain if gain > 0 else 0.0
            return (calls + size * needed) / len(gains)
        reached, calls = reached + gain, calls + size
    return 1.0


def _steps(scores: Sequence[float], gains: Sequence[float]) -> list[tuple[int, float]]:
    """Prompts of one score at a time, from the highest: how many, and their gain."""
    steps: list[tuple[int, float]] = []
    last: float | None = None
    for score, gain in sorted(zip(scores, gains, strict=True), key=lambda pair: -pair[0]):
        if score == last:
            size, sum_ = steps[-1]
            steps[-1] = (size + 1, sum_ + gain)
        else:
            steps.append((1, gain))
            last = score
    return steps


@dataclass(frozen=True, slots=True)
class Difference:
    """One APGR less another on the same prompts; ``low`` is its one-sided lower bound (95 %)."""

    value: float
    low: float


def apgr_difference(first: Sequence[float], second: Sequence[float], gains: Sequence[float]) -> Difference | None:
    """How much better ``first`` ranks than ``second``; the bound is by the delta method, prompts taken as a sample."""
    total = sum(gains)
    if total <= 0:
        return None
    weights = [a - b for a, b in zip(area_weights(first), area_weights(second), strict=True)]
    value = sum(weight * gain for weight, gain in zip(weights, gains, strict=True)) / total
    spread = sqrt(sum((gain * (weight - value)) ** 2 for weight, gain in zip(weights, gains, strict=True))) / total
    return Difference(value, value - ONE_SIDED_95 * spread)


@dataclass(frozen=True, slots=True)
class Threshold:
    """From ``score`` on the strong model is asked: recovers ``recovered`` of the gain (at least ``low``, one-sided)."""

    target: float
    score: float
    strong_share: float
    recovered: float
    low: float


def place_threshold(scores: Sequence[float], gains: Sequence[float], target: float) -> Threshold | None:
    """The highest score whose lower bound recovers ``target`` of the gain; None where the labels do not support one.

    A threshold by the point estimate misses its target half of the time; by the bound, one time in twenty.
    """
    total, count = sum(gains), len(gains)
    if total <= 0:
        return None
    order = sorted(range(count), key=lambda place: -scores[place])
    squares = sum(gain * gain for gain in gains)
    taken, taken_squares = 0.0, 0.0
    for rank, place in enumerate(order, 1):
        taken += gains[place]
        taken_squares += gains[place] ** 2
        if rank < count and scores[order[rank]] == scores[place]:
            continue
        recovered = taken / total
        variance = taken_squares * (1 - 2 * recovered) + recovered**2 * squares
        low = recovered - ONE_SIDED_95 * sqrt(max(variance, 0.0)) / total
        if low >= target:
            return Threshold(target, scores[place], rank / count, recovered, low)
    return None


def enough(labels: int) -> str:
    """What a number of labelled prompts can support, from the sets that this was measured on."""
    if labels < 800:
        return f"{labels} labelled prompts: too few to learn from, expect no better than the prompt's length"
    if labels < 4000:
        return f"{labels} labelled prompts: enough for some of what can be learned"
    return f"{labels} labelled prompts: enough for most of what can be learned"
