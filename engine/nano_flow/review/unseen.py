"""The weight that a learned score should have, and its figures on sources that it has not seen, at that weight."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.review.fitting import Prepared, fit_parts
from nano_flow.review.training import Measured, best_recipe, measured
from nano_flow.routing.labels.measures import Difference, apgr_difference

WEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)
LEAST = 50
"""Prompts of a source, and of all others together, on which a figure means anything."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """One source that was left out: how a score of the others ranks it at the advised weight, beside the declared."""

    source: str
    prompts: int
    learned: Measured
    declared: Measured
    better: Difference | None


@dataclass(frozen=True, slots=True)
class Advised:
    """The weight, what it reaches on held-out prompts, and on each source that was left out as a whole."""

    weight: float
    learned: Measured
    better: Difference | None
    sources: int
    unseen: tuple[Unseen, ...] = ()

    @property
    def mean_unseen(self) -> float | None:
        """How much better than the declared signals, as a mean over the sources; None where there is one source."""
        found = [each.better.value for each in self.unseen if each.better is not None]
        return sum(found) / len(found) if found else None

    @property
    def convinces(self) -> bool:
        """Whether it beats the declared signals by more than chance, and does no worse on sources it has not seen."""
        mean = self.mean_unseen
        return self.better is not None and self.better.low > 0 and (mean is None or mean >= 0)


def advise(rows: Sequence[Prepared], scores: Sequence[float], groups: Mapping[str, frozenset[bytes]]) -> Advised:
    """The weight whose lower bound is highest; ``scores`` are what the learned score gave rows while held out."""
    gains, declared = [row.gain for row in rows], [row.declared for row in rows]
    mapped = _mapped(scores, declared, scores)
    tried = []
    for weight in WEIGHTS:
        blended = _blended(declared, mapped, weight)
        better = apgr_difference(blended, declared, gains)
        tried.append((better.low if better is not None else -1.0, -weight, weight, blended, better))
    *_, weight, blended, better = max(tried, key=lambda each: each[:2])
    sources = len({row.source for row in rows})
    return Advised(weight, measured(blended, gains), better, sources, _left_out(rows, groups, weight))


def _left_out(rows: Sequence[Prepared], groups: Mapping[str, frozenset[bytes]], weight: float) -> tuple[Unseen, ...]:
    by_source: dict[str, list[Prepared]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    found = []
    for source, own in sorted(by_source.items()) if len(by_source) > 1 else ():
        others = [row for row in rows if row.source != source]
        telling = min(sum(row.gain for row in part) for part in (own, others)) > 0
        if telling and min(len(own), len(others)) >= LEAST:
            found.append(_one(source, own, others, groups, weight))
    return tuple(found)


def _one(
    source: str,
    own: Sequence[Prepared],
    others: Sequence[Prepared],
    groups: Mapping[str, frozenset[bytes]],
    weight: float,
) -> Unseen:
    """Fit on the others, and scale by them too, as whoever deploys it would."""
    model = fit_parts(others, groups).combine(best_recipe(others, groups))
    there = [model.raw(row.facts, row.reading, row.declared) for row in others]
    here = [model.raw(row.facts, row.reading, row.declared) for row in own]
    declared, gains = [row.declared for row in own], [row.gain for row in own]
    blended = _blended(declared, _mapped(there, [row.declared for row in others], here), weight)
    better = apgr_difference(blended, declared, gains)
    return Unseen(source, len(own), measured(blended, gains), measured(declared, gains), better)


def _mapped(raw: Sequence[float], declared: Sequence[float], values: Sequence[float]) -> list[float]:
    """``values`` on the scale of the declared score: by their place among ``raw``."""
    ranked, scale = sorted(raw), sorted(declared)
    last = len(scale) - 1
    return [scale[min(last, bisect_left(ranked, value))] for value in values]


def _blended(declared: Sequence[float], learned: Sequence[float], weight: float) -> list[float]:
    return [d + (value - d) * weight for d, value in zip(declared, learned, strict=True)]
