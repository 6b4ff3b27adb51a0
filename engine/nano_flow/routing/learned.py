"""A learned score: boosted trees, words and the declared score, as readable numbers, evaluated without any library."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from nano_flow.core.messages import Json
from nano_flow.routing.facts import FEATURES
from nano_flow.routing.reading import Reading

FORMAT = 1
MAX_TREES, MAX_DEPTH = 1000, 32
Getters = Mapping[str, Callable[[Any], object]]
"""What may be counted, by name, and how it is got out of the facts: those of a call, or those of a reply."""
Node = float | tuple[int, float, "Node", "Node"]
"""A leaf's value, or (place of the feature, threshold, what is at most it, what is above)."""


@dataclass(frozen=True, slots=True)
class LearnedScore:
    """raw = base + trees + words + declared score x ``declared``; ``curve`` maps it to 0 ... 10.

    ``features`` are names of facts (``known``), ``declared``, or names of ``groups``: how many words of one occur.
    """

    features: tuple[str, ...]
    groups: Mapping[str, frozenset[bytes]]
    base: float
    declared: float
    words: Mapping[bytes, float]
    trees: tuple[Node, ...]
    curve: tuple[tuple[float, float], ...]
    known: Getters = field(default_factory=lambda: FEATURES, repr=False, compare=False)

    def score(self, facts: object, reading: Reading, declared: float) -> float:
        """The learned complexity, 0 to 10."""
        return self._held(self.raw(facts, reading, declared))

    def saw(self, facts: object, reading: Reading, declared: float, most: int = 5) -> tuple[str, ...]:
        """What weighs most in the score, the heaviest first: words, and the facts that its trees asked for.

        A tree's leaf is shared alike by the facts on the way to it.
        """
        values = feature_values(self.features, self.groups, facts, reading, declared, self.known)
        weights: dict[str, float] = defaultdict(float)
        for word in self.words.keys() & reading.distinct:
            weights[f'"{word.decode("utf-8", "replace")}"'] += self.words[word]
        for node in self.trees:
            leaf, asked = _way(node, values)
            for place in asked:
                weights[f"{self.features[place]} {values[place]:g}"] += leaf / len(asked)
        ranked = sorted(weights.items(), key=lambda each: (-abs(each[1]), each[0]))
        return tuple(f"{name}: {weight:+.2g}" for name, weight in ranked[:most] if weight)

    def _held(self, raw: float) -> float:
        score = interpolate(self.curve, raw)
        return min(10.0, max(0.0, score)) if score == score else 0.0  # a file may hold numbers that add up to none

    def raw(self, facts: object, reading: Reading, declared: float) -> float:
        """What the trees and words add up to, before the curve."""
        total = self.base + self.declared * declared
        total += sum(self.words[word] for word in self.words.keys() & reading.distinct)
        values = feature_values(self.features, self.groups, facts, reading, declared, self.known)
        for node in self.trees:
            while not isinstance(node, float):
                node = node[2] if values[node[0]] <= node[1] else node[3]
            total += node
        return total


def _way(node: Node, values: Sequence[float]) -> tuple[float, list[int]]:
    """The leaf that a tree comes to, and the places of the features that it asked for on the way, each once."""
    asked: dict[int, None] = {}
    while not isinstance(node, float):
        asked[node[0]] = None
        node = node[2] if values[node[0]] <= node[1] else node[3]
    return node, [*asked]


def feature_values(
    names: Sequence[str],
    groups: Mapping[str, frozenset[bytes]],
    facts: object,
    reading: Reading,
    declared: float,
    known: Getters = FEATURES,
) -> list[float]:
    """The numbers that trees look at; an unknown fact counts as zero."""
    values = []
    for name in names:
        getter = known.get(name)
        if getter is not None:
            value = getter(facts)
            values.append(float(value) if isinstance(value, int | float) else 0.0)
        elif name == "declared":
            values.append(declared)
        else:
            values.append(float(len(groups[name] & reading.placed)))
    return values


def interpolate(curve: Sequence[tuple[float, float]], value: float) -> float:
    """Straight lines between the points of ``curve``, flat outside."""
    right = bisect_right(curve, (value, float("inf")))
    if right == 0:
        return curve[0][1]
    if right == len(curve):
        return curve[-1][1]
    (low, from_), (high, to) = curve[right - 1], curve[right]
    return from_ + (to - from_) * (value - low) / (high - low)


_KEYS = frozenset({"learned", "data", "recipe", "supports", "journal", "held_out", "thresholds", "curve", "model"})


def read_learned(text: str, known: Getters = FEATURES, file: str = "learned") -> LearnedScore:
    """The score that ``nano-flow policy train`` wrote. ValueError, or DocumentError, where it is not one."""
    from nano_flow.source.yaml_nodes import read_yaml

    return learned_from(read_yaml(text, file).data, known)


def learned_from(data: object, known: Getters = FEATURES) -> LearnedScore:
    """The same from plain data. ValueError says what is wrong."""
    document = _mapping(data, "the document")
    if "learned" not in document:
        raise ValueError("it is no learned score: it does not say `learned: 1`")
    if document["learned"] != FORMAT:
        raise ValueError(f"it is of the format {document['learned']!r}, this build reads {FORMAT}")
    unknown = document.keys() - _KEYS
    if unknown:
        raise ValueError(f'it has the unknown key "{min(unknown)}"')
    model = _mapping(document.get("model"), "model")
    groups = {
        name: frozenset(str(word).encode() for word in _list(words, f"model.groups.{name}"))
        for name, words in _mapping(model.get("groups", {}), "model.groups").items()
    }
    features: dict[str, int] = {}
    trees = _list(model.get("trees", []), "model.trees")
    if len(trees) > MAX_TREES:
        raise ValueError(f"it has {len(trees)} trees, at most {MAX_TREES} are read")
    names = {*known, *groups, "declared"}
    nodes = tuple(_node(tree, features, names, 0) for tree in trees)
    curve = tuple(_point(point) for point in _list(document.get("curve"), "curve"))
    if not curve or any(a[0] >= b[0] for a, b in pairwise(curve)):
        raise ValueError("the values of its curve do not rise")
    return LearnedScore(
        features=tuple(features),
        groups=groups,
        base=_number(model.get("base", 0.0), "model.base"),
        declared=_number(model.get("declared", 0.0), "model.declared"),
        words={w.encode(): _number(v, w) for w, v in _mapping(model.get("words", {}), "model.words").items()},
        trees=nodes,
        curve=curve,
        known=known,
    )


def _node(data: object, features: dict[str, int], names: Set[str], depth: int) -> Node:
    if isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    parts = _list(data, "a node")
    if len(parts) != 4 or depth > MAX_DEPTH:
        raise ValueError("a node is a number or [feature, threshold, at most, above]")
    name = str(parts[0])
    if name not in names:
        raise ValueError(f'there is no fact "{name}"')
    place = features.setdefault(name, len(features))
    below, above = (_node(part, features, names, depth + 1) for part in parts[2:])
    return (place, _number(parts[1], "a threshold"), below, above)


def _point(data: object) -> tuple[float, float]:
    value, score = _list(data, "a point of the curve")
    return _number(value, "curve"), _number(score, "curve")


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{what} is no number")
    return float(value)


def _mapping(value: object, what: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no mapping")
    return value


def _list(value: object, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is no list")
    return value
