"""Fits trees and word weights to gains with scikit-learn, which is imported here alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from nano_flow.routing.facts import FEATURES
from nano_flow.routing.learned import Getters, LearnedScore, Node, feature_values
from nano_flow.routing.reading import Reading

LEAVES = 8
WORDS = 300
NOT_OF_THE_PROMPT = frozenset(
    {"tool_count", "output_schema_size", "has_images", "max_turns", "upstream_tokens", "iteration", "budget_left"}
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One prompt, or one reply, read: what every fit needs of it."""

    reading: Reading
    facts: Any
    declared: float
    gain: float
    group: str = ""
    known: Getters = field(default_factory=lambda: FEATURES, repr=False, compare=False)
    """What trees may count of ``facts``."""
    asked: str | None = None
    """The prompt, where ``reading`` is of a reply to it; what tells it from others, where its text was not kept."""
    source: str = ""
    """Where it comes from: a file, a step, what its row says."""
    journal: bool = False
    """Whether it is of a journal: of what a policy sent to its weaker model."""

    @property
    def prompt(self) -> str:
        """What was asked: rows of one prompt stay on one side of a split."""
        return self.reading.text if self.asked is None else self.asked


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a score is made of: shares of the trees, the words and the declared score, each of unit spread."""

    name: str
    trees: float
    words: float
    declared: float


RECIPES = (
    Recipe("trees", 1.0, 0.0, 0.0),
    Recipe("trees, half as much words and declared", 1.0, 0.5, 0.5),
    Recipe("trees, words and declared alike", 1.0, 1.0, 1.0),
)


def recipes(rows: Sequence[Prepared]) -> tuple[Recipe, ...]:
    """The recipes to choose from.

    A journal's rows are what a policy sent to its weaker model. Prompts that score higher than these have to stay above
    them, whatever trees that never saw such prompts would say: so the declared score has a share.
    """
    return tuple(recipe for recipe in RECIPES if recipe.declared or not any(row.journal for row in rows))


@dataclass(frozen=True, slots=True)
class Parts:
    """Trees and words, fitted to the same rows; ``raw`` is what trees, words and declared score gave each of them."""

    features: tuple[str, ...]
    groups: Mapping[str, frozenset[bytes]]
    known: Getters
    trees: tuple[Node, ...]
    words: Mapping[bytes, float]
    raw: tuple[Sequence[float], Sequence[float], Sequence[float]]

    def combine(self, recipe: Recipe) -> LearnedScore:
        """One score, of mean 0 and spread 1 on the fitted rows; its curve is still the identity."""
        shares = [
            share / spread if (spread := _spread(raw)) else 0.0
            for share, raw in zip((recipe.trees, recipe.words, recipe.declared), self.raw, strict=True)
        ]
        sums = [
            sum(share * value for share, value in zip(shares, row, strict=True)) for row in zip(*self.raw, strict=True)
        ]
        unit = _spread(sums) or 1.0
        trees, words, declared = (share / unit for share in shares)
        return LearnedScore(
            features=self.features,
            groups=self.groups,
            base=_short(-sum(sums) / len(sums) / unit),
            declared=_short(declared),
            words={word: _short(weight * words) for word, weight in self.words.items()} if words else {},
            trees=tuple(_scaled(tree, trees) for tree in self.trees) if trees else (),
            curve=((-1e9, -1e9), (1e9, 1e9)),
            known=self.known,
        )


def fit_parts(rows: Sequence[Prepared], groups: Mapping[str, frozenset[bytes]]) -> Parts:
    """Fit trees on facts and word groups, and a ridge regression on words."""
    known = rows[0].known
    features = (*(name for name in known if name not in NOT_OF_THE_PROMPT), *groups, "declared")
    trees, words = _fit_trees(rows, features, groups), _fit_words(rows)
    by_trees = LearnedScore(features, groups, 0.0, 0.0, {}, trees, (), known)
    by_words = LearnedScore(features, groups, 0.0, 0.0, words, (), (), known)
    raw = [[part.raw(row.facts, row.reading, row.declared) for row in rows] for part in (by_trees, by_words)]
    return Parts(features, groups, known, trees, words, (raw[0], raw[1], [row.declared for row in rows]))


def _fit_trees(
    rows: Sequence[Prepared], features: tuple[str, ...], groups: Mapping[str, frozenset[bytes]]
) -> tuple[Node, ...]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    count = len(rows)
    model = HistGradientBoostingRegressor(
        max_iter=60 if count >= 3000 else 25,
        learning_rate=0.1,
        max_leaf_nodes=LEAVES,
        # The more rows, the larger a leaf has to be before it counts as more than chance.
        min_samples_leaf=max(1, min(max(30, count // 75), 100, count // 10)),
        l2_regularization=min(50.0, count / 220),
        early_stopping=False,
        random_state=0,
    )
    values = [feature_values(features, groups, row.facts, row.reading, row.declared, row.known) for row in rows]
    with threadpool_limits(limits=1):  # small data: threads that wait for each other cost more than they bring
        model.fit(values, [row.gain for row in rows])
    return tuple(tree_of(stage[0].nodes) for stage in model._predictors)


def tree_of(nodes: Sequence[Mapping[str, float]]) -> Node:
    """A tree of scikit-learn as a node of ours."""

    def node(place: int) -> Node:
        here = nodes[place]
        if here["is_leaf"]:
            return float(here["value"])
        left, right = node(int(here["left"])), node(int(here["right"]))
        return (int(here["feature_idx"]), float(here["num_threshold"]), left, right)

    return node(0)


def _fit_words(rows: Sequence[Prepared]) -> dict[bytes, float]:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import Ridge

    words = _telling_words(rows) if any(row.reading.text for row in rows) else frozenset()
    if not words:  # nor where no text was kept: other words than those that were looked for are not known
        return {}
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform(
        [{word.decode("utf-8", "replace"): 1.0 for word in sorted(words & row.reading.distinct)} for row in rows]
    )
    model = Ridge(alpha=100.0).fit(matrix, [row.gain for row in rows])
    names = [name.encode() for name in vectorizer.get_feature_names_out().tolist()]
    return dict(zip(names, model.coef_.tolist(), strict=True))


def _telling_words(rows: Sequence[Prepared]) -> frozenset[bytes]:
    """The words whose prompts' gains differ most, by their standard error, from the mean."""
    count, mean = len(rows), sum(row.gain for row in rows) / len(rows)
    seen: Counter[bytes] = Counter()
    moved: dict[bytes, float] = {}
    for row in rows:
        seen.update(row.reading.distinct)
        for word in row.reading.distinct:
            moved[word] = moved.get(word, 0.0) + row.gain - mean
    least = 8 if count < 3000 else 15
    ranked = sorted(
        (-abs(moved[word]) / sqrt(times * (1 - times / count)), word)
        for word, times in seen.items()
        if least <= times < 0.95 * count and not word.isdigit()
    )
    return frozenset(word for _, word in ranked[:WORDS])


def _spread(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _scaled(node: Node, factor: float) -> Node:
    if isinstance(node, float):
        return _short(node * factor)
    return (node[0], _short(node[1], 7), _scaled(node[2], factor), _scaled(node[3], factor))


def _short(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
