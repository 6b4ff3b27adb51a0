"""How the shipped signals do on prompts that their weights were not fitted to.

The weights and the thresholds are fitted anew to the other prompts, by least squares that keep weights small. A word
that only one task holds is left out for it: whoever wrote the lists may have taken it from there. What is left of a
list then is what it would find in a prompt that nobody has seen, or less.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nano_flow.project.policies import Policies
from nano_flow.routing.facts import Facts, gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.signals import MatchSignal, Signal, SignalPoints
from nano_flow.routing.within import WithinSignal

FOLDS, TIMES, SMALL = 10, 5, 30.0
"""Parts of a cross-validation, how often it is done, and how small weights are kept."""
Numbers = NDArray[np.float64]
Fitted = Callable[[Numbers], Numbers]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled prompt: points by signal, its tier's place, its source, and the task that it is a wording of."""

    points: tuple[float, ...]
    tier: int
    source: str
    task: str
    language: str
    asked: float | None
    """Its score as a bare question, where it is one."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Places of tiers that were found for rows that were left out."""

    rows: Sequence[Row]
    found: Sequence[int]

    def count(self, among: Callable[[Row], bool], hit: Callable[[Row, int], bool]) -> tuple[int, int]:
        """How many of those for which ``among`` holds are hits."""
        chosen = [(row, tier) for row, tier in zip(self.rows, self.found, strict=True) if among(row)]
        return sum(hit(row, tier) for row, tier in chosen), len(chosen)


def rows_of(folder: Path, policies: Policies) -> list[Row]:
    """All labelled prompts; each translation of a task is one, of the source ``x``."""
    tiers = [tier.name for tier in policies.routing.tiers]
    said = []
    for row in map(json.loads, (folder / "prompts.jsonl").read_text("utf-8").splitlines()):
        said.append((row["prompt"], tiers.index(row["tier"]), row["id"][0], row["id"], row["lang"]))
    for row in map(json.loads, (folder / "parallel.jsonl").read_text("utf-8").splitlines()):
        tier = tiers.index(row["tier"])
        said += [(prompt, tier, "x", row["id"], language) for language, prompt in row["prompts"].items()]
    return _without_words_of_one_task(said, policies)


def _without_words_of_one_task(said: Sequence[tuple[str, int, str, str, str]], policies: Policies) -> list[Row]:
    scorer = policies.routing.scorer
    given: list[dict[str, SignalPoints]] = []
    bare: list[float | None] = []
    for prompt, *_ in said:
        reading = read_text(prompt)
        facts = gather(reading)
        points = [signal.points(facts, reading) for signal in scorer.signals]
        given.append({each.signal: each for each in points if each is not None})
        found = {name: len(each.found) for name, each in given[-1].items()}
        asks = scorer.questions is not None and scorer.questions.hold(found, facts)
        bare.append(scorer.questions.scorer.score(facts, reading)[0] if asks and scorer.questions else None)
    seen = {
        (name, word, row[3])
        for row, each in zip(said, given, strict=True)
        for name in each
        for word in each[name].found
    }
    tasks = Counter((name, word) for name, word, _ in seen)
    rows = []
    for (_, tier, source, task, language), each, asked in zip(said, given, bare, strict=True):
        points = tuple(_points(signal, each.get(signal.name), tasks) for signal in scorer.signals)
        rows.append(Row(points, tier, source, task, language, asked))
    return rows


def _points(signal: Signal[Facts], given: SignalPoints | None, tasks: Counter[tuple[str, str]]) -> float:
    if given is None:
        return 0.0
    if not given.found:
        return given.points
    assert isinstance(signal, MatchSignal | WithinSignal)
    return signal.total(sum(tasks[signal.name, word] > 1 for word in given.found))


def cross_validated(rows: Sequence[Row]) -> list[Tried]:
    """Several cross-validations over the prompts; the translations are learned from and not tried."""
    named = sorted({row.task for row in rows if row.source != "x"})
    tried = []
    for seed in range(TIMES):
        random.Random(seed).shuffle(named)
        fold = {task: place % FOLDS for place, task in enumerate(named)}
        left_out, found = [], []
        for part in range(FOLDS):
            held = [row for row in rows if fold.get(row.task) == part]
            left_out += held
            found += _tried([row for row in rows if fold.get(row.task) != part], held)
        tried.append(Tried(left_out, found))
    return tried


def across(rows: Sequence[Row], tuned: str, tried: str) -> Tried:
    """Tuned on the prompts of one source, tried on those of another."""
    held = [row for row in rows if row.source == tried]
    return Tried(held, _tried([row for row in rows if row.source in tuned], held))


def _tried(known: Sequence[Row], held: Sequence[Row]) -> list[int]:
    languages = Counter(row.task for row in known)
    weights = np.array([1 / languages[row.task] for row in known])
    table, wanted = np.array([row.points for row in known]), np.array([float(row.tier) for row in known])
    predict = _least_squares(table, wanted, weights)
    low, high = _thresholds(predict(table), wanted, weights)
    found = []
    for row, value in zip(held, predict(np.array([row.points for row in held])), strict=True):
        if row.asked is not None:
            value, bounds = row.asked, (3.0, 7.0)
        else:
            bounds = (low, high)
        found.append(int(value >= bounds[0]) + int(value >= bounds[1]))
    return found


def _least_squares(table: Numbers, wanted: Numbers, weights: Numbers) -> Fitted:
    mean = weights @ table / weights.sum()
    spread = np.sqrt(weights @ (table - mean) ** 2 / weights.sum()) + 1e-9
    scaled, level = (table - mean) / spread, weights @ wanted / weights.sum()
    square = scaled.T @ (weights[:, None] * scaled) + SMALL * np.eye(table.shape[1])
    found = np.linalg.solve(square, scaled.T @ (weights * (wanted - level)))
    return lambda rows: ((rows - mean) / spread) @ found + level


def _thresholds(values: Numbers, wanted: Numbers, weights: Numbers) -> tuple[float, float]:
    """Where most get their tier; one that is two tiers off counts half a wrong one more."""
    cuts = np.quantile(values, np.linspace(0.1, 0.9, 41))
    best = (-1.0, 0.0, 0.0)
    for place, low in enumerate(cuts):
        for high in cuts[place + 1 :]:
            off = np.abs((values >= low).astype(float) + (values >= high) - wanted)
            best = max(best, (float(weights @ (off == 0) - 0.5 * (weights @ (off == 2))), float(low), float(high)))
    return best[1], best[2]
