"""The library that training is an extra for, and a stand-in that is not: splits, scales and files are ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType

import pytest

from nano_flow.review import fitting
from nano_flow.review.fitting import Prepared
from nano_flow.routing.learned import Node, feature_values


@contextmanager
def trained_with(name: str) -> Iterator[None]:
    """Training uses scikit-learn, or one cut through one feature and the mean gain of each telling word."""
    if name == "scikit-learn":
        pytest.importorskip("sklearn", reason="training is an extra: pip install 'nano-flow[train]'")
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sklearn", ModuleType("sklearn"))
        patch.setattr(fitting, "_fit_trees", _fit_trees)
        patch.setattr(fitting, "_fit_words", _fit_words)
        yield


def _fit_trees(
    rows: Sequence[Prepared], features: tuple[str, ...], groups: Mapping[str, frozenset[bytes]]
) -> tuple[Node, ...]:
    table = [feature_values(features, groups, row.facts, row.reading, row.declared, row.known) for row in rows]
    gains, best = [row.gain for row in rows], (0.0, 0, 0.0, 0.0, 0.0)
    mean = sum(gains) / len(gains)
    for feature in range(len(features)):
        column = sorted({values[feature] for values in table})
        for threshold in column[:-1][:: max(1, len(column) // 4)]:
            left = [gain for values, gain in zip(table, gains, strict=True) if values[feature] <= threshold]
            below = sum(left) / len(left)
            above = (sum(gains) - sum(left)) / (len(gains) - len(left))
            told = len(left) * (below - mean) ** 2 + (len(gains) - len(left)) * (above - mean) ** 2
            best = max(best, (told, feature, threshold, below - mean, above - mean))
    _, feature, threshold, below, above = best
    return ((feature, threshold, below, above),)


def _fit_words(rows: Sequence[Prepared]) -> dict[bytes, float]:
    words = fitting._telling_words(rows) if any(row.reading.text for row in rows) else frozenset()
    mean = sum(row.gain for row in rows) / len(rows)
    found = {}
    for word in sorted(words):
        gains = [row.gain for row in rows if word in row.reading.distinct]
        found[word] = (sum(gains) / len(gains) - mean) * len(gains) / (len(gains) + 50)
    return found
