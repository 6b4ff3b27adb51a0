"""Trains a score, and measures it on prompts that it did not see beside the declared signals and the length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from nano_flow.review.fitting import Prepared, Recipe, fit_parts, recipes
from nano_flow.routing.facts import Facts, gather
from nano_flow.routing.labels.measures import (
    Difference,
    Threshold,
    apgr,
    apgr_difference,
    cpt,
    place_threshold,
)
from nano_flow.routing.labels.outcomes import Example, Pair
from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.reading import Reading, read_text

Declared = Callable[[Facts, Reading], float]
OUTER, INNER = 5, 3


@dataclass(frozen=True, slots=True)
class Measured:
    """How one score ranks held-out prompts."""

    apgr: float | None
    cpt50: float | None
    cpt80: float | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Figures on prompts that were not trained on. ``grouped``: no group was on both sides of a split."""

    grouped: bool
    rows: int
    groups: int
    learned: Measured
    declared: Measured
    length: Measured
    better: Difference | None
    worst: tuple[str, float | None]
    """The group of at least 100 prompts where the learned score ranks worst, and its APGR there."""
    thresholds: tuple[Threshold, ...]
    scores: tuple[float, ...] = ()
    """What the learned score gave each row while it was held out."""

    @property
    def convinces(self) -> bool:
        """Whether the learned score beats the declared one by more than chance (one-sided, 95 %)."""
        return self.better is not None and self.better.low > 0


@dataclass(frozen=True, slots=True)
class Trained:
    """A learned score and how good it is."""

    score: LearnedScore
    recipe: Recipe
    held_out: HeldOut


def prepare(examples: Sequence[Example], declared: Declared) -> list[Prepared]:
    """Read every prompt once."""
    rows = []
    for example in examples:
        reading = read_text(example.prompt)
        facts = gather(reading)
        rows.append(
            Prepared(reading, facts, declared(facts, reading), example.gain, example.group, source=example.source)
        )
    return rows


def train(
    pair: Pair,
    rows: Sequence[Prepared],
    groups: Mapping[str, frozenset[bytes]],
    population: Sequence[Prepared] | None = None,
) -> Trained:
    """Fit on everything, and report what the same procedure reaches on held-out parts.

    The scale is that of the declared score over ``population``, where the rows are no sample of all prompts.
    ValueError where the strong model gains nothing.
    """
    if sum(row.gain for row in rows) <= 0:
        raise ValueError(f'"{pair.strong}" is not right more often than "{pair.weak}": there is nothing to learn')
    trained = train_rows(rows, groups)
    return replace(trained, score=_on_declared_scale(trained.score, population or rows))


def train_rows(rows: Sequence[Prepared], groups: Mapping[str, frozenset[bytes]]) -> Trained:
    """Fit on all rows, and measure on held-out ones; the score's curve is still the identity."""
    held_out = measure(rows, groups)
    recipe = best_recipe(rows, groups)
    return Trained(fit_parts(rows, groups).combine(recipe), recipe, held_out)


def measure(rows: Sequence[Prepared], groups: Mapping[str, frozenset[bytes]], *, by_group: bool = True) -> HeldOut:
    """Cross-validate the whole procedure, the choice of the recipe included."""
    gains = [row.gain for row in rows]
    scores = [0.0] * len(rows)
    grouped = by_group and len({row.group for row in rows}) >= OUTER
    for inside, outside in splits(rows, OUTER, grouped=grouped):
        chosen = [rows[place] for place in inside]
        model = fit_parts(chosen, groups).combine(best_recipe(chosen, groups, grouped=grouped))
        for place in outside:
            scores[place] = model.raw(rows[place].facts, rows[place].reading, rows[place].declared)
    declared = [row.declared for row in rows]
    length = [float(row.facts.prompt.prompt_chars) for row in rows]
    return HeldOut(
        grouped=grouped,
        rows=len(rows),
        groups=len({row.group for row in rows}),
        learned=measured(scores, gains),
        declared=measured(declared, gains),
        length=measured(length, gains),
        better=apgr_difference(scores, declared, gains),
        worst=_worst_group(rows, scores),
        thresholds=tuple(t for target in (0.5, 0.8) if (t := place_threshold(scores, gains, target))),
        scores=tuple(scores),
    )


def splits(rows: Sequence[Prepared], parts: int, *, grouped: bool) -> Iterator[tuple[list[int], list[int]]]:
    """(train, test) places, by a hash of the group or of the prompt: the same on every machine."""
    keys = [row.group if grouped else row.prompt for row in rows]
    part_of = {key: place % parts for place, key in enumerate(sorted(set(keys), key=_hash))}
    for part in range(parts):
        outside = [place for place, key in enumerate(keys) if part_of[key] == part]
        inside = [place for place, key in enumerate(keys) if part_of[key] != part]
        if inside and outside:
            yield inside, outside


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def best_recipe(
    rows: Sequence[Prepared], groups: Mapping[str, frozenset[bytes]], *, grouped: bool | None = None
) -> Recipe:
    """By cross-validation inside ``rows``: nothing of what is held out is looked at."""
    by_group = len({row.group for row in rows}) >= OUTER if grouped is None else grouped
    gains = [row.gain for row in rows]
    offered = recipes(rows)
    scores = {recipe.name: [0.0] * len(rows) for recipe in offered}
    for inside, outside in splits(rows, INNER, grouped=by_group):
        parts = fit_parts([rows[place] for place in inside], groups)
        for recipe in offered:
            model = parts.combine(recipe)
            for place in outside:
                scores[recipe.name][place] = model.raw(rows[place].facts, rows[place].reading, rows[place].declared)
    return max(offered, key=lambda recipe: apgr(scores[recipe.name], gains) or 0.0)


def _on_declared_scale(score: LearnedScore, rows: Sequence[Prepared]) -> LearnedScore:
    """A curve under which as many prompts reach each score as by the declared signals: tiers keep their shares."""
    raw = sorted(score.raw(row.facts, row.reading, row.declared) for row in rows)
    declared = sorted(row.declared for row in rows)
    points: list[tuple[float, float]] = []
    for step in range(21):
        place = round(step / 20 * (len(rows) - 1))
        value, height = float(f"{raw[place]:.5g}"), round(declared[place], 3)
        if not points or value > points[-1][0]:
            points.append((value, max(height, points[-1][1] + 0.001) if points else height))
    return replace(score, curve=tuple((value, min(10.0, round(height, 3))) for value, height in points))


def measured(scores: Sequence[float], gains: Sequence[float]) -> Measured:
    """How scores rank prompts of such gains."""
    return Measured(apgr(scores, gains), cpt(scores, gains, 0.5), cpt(scores, gains, 0.8))


def _worst_group(rows: Sequence[Prepared], scores: Sequence[float]) -> tuple[str, float | None]:
    by_group: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        by_group.setdefault(row.group, []).append(place)
    found: tuple[str, float | None] = ("", None)
    for group, places in by_group.items():
        gains = [rows[place].gain for place in places]
        if len(places) >= 100 and sum(gains) >= 0.05 * len(places):
            here = apgr([scores[place] for place in places], gains)
            if here is not None and (found[1] is None or here < found[1]):
                found = (group, here)
    return found
