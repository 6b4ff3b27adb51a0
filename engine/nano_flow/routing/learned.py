"""A learned score: boosted trees of readable numbers, evaluated without any library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

from nano_flow.routing.facts import Facts
from nano_flow.routing.reading import Reading

Feature = Callable[[Facts, Reading, float], float]


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as parallel arrays; an inner node goes left where ``value <= threshold``, a leaf has feature -1."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def value_of(self, values: list[float]) -> float:
        """The leaf that ``values`` fall into."""
        node = 0
        while (feature := self.feature[node]) >= 0:
            node = self.left[node] if values[feature] <= self.threshold[node] else self.right[node]
        return self.value[node]


@dataclass(frozen=True, slots=True)
class LearnedScore:
    """``base`` and ``trees`` add up to a logit; ``stretch`` maps it to 0 … 10."""

    features: tuple[Feature, ...]
    base: float
    trees: tuple[Tree, ...]
    centre: float = 0.0
    scale: float = 1.0

    def score(self, facts: Facts, reading: Reading, declared: float) -> float:
        """The learned complexity, 0 to 10."""
        values = [feature(facts, reading, declared) for feature in self.features]
        raw = self.base + sum(tree.value_of(values) for tree in self.trees)
        return 10.0 / (1.0 + exp(-max(-30.0, min(30.0, (raw - self.centre) / self.scale))))
