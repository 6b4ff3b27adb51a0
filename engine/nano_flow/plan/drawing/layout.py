"""Where the nodes of one box go: layers from top to bottom, few crossings, edges routed around the layers between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP_X = 28.0
GAP_Y = 44.0
ROW_LENGTH = 12
"""Wider layers are broken into several rows: a fan of 1,000 steps stays a picture."""
LONG_EDGE = 12
"""Edges over more layers are drawn straight; routing a star of 5,000 steps around itself would take for ever."""
SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """Upper left corners by node, the points of each edge between its two ends, and the size of all."""

    corners: tuple[tuple[float, float], ...]
    bends: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


@dataclass(slots=True, eq=False)
class _Spot:
    """A node, or the place where a long edge crosses a layer."""

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    rank: int = 0
    above: list[_Spot] = field(default_factory=list)
    below: list[_Spot] = field(default_factory=list)

    def middle(self) -> float:
        return self.x + self.width / 2


def lay_out(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Places boxes of ``sizes``; ``edges`` lead from a lower to a higher position (a topological order)."""
    spots = [_Spot(width, height) for width, height in sizes]
    layers = _layers(len(sizes), edges)
    rows: list[list[_Spot]] = [[] for _ in range(max(layers, default=0) + 1)]
    for spot, layer in zip(spots, layers, strict=True):
        rows[layer].append(spot)
    bends = [_route(spots, layers, rows, edge) for edge in edges]
    _untangle(rows)
    rows = [row[start : start + ROW_LENGTH] for row in rows for start in range(0, len(row), ROW_LENGTH)]
    _place(rows)
    everything = [spot for row in rows for spot in row]
    left = min((spot.x for spot in everything), default=0.0)
    return Layout(
        tuple((spot.x - left, spot.y) for spot in spots),
        tuple(tuple(point for spot in chain for point in _through(spot, left)) for chain in bends),
        max((spot.x + spot.width - left for spot in everything), default=0.0),
        max((spot.y + spot.height for spot in everything), default=0.0),
    )


def _through(spot: _Spot, left: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """A long edge goes straight down beside the nodes of each row that it crosses."""
    x = spot.middle() - left
    return (x, spot.y), (x, spot.y + spot.height)


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    layers = [0] * count
    for source, target in sorted(edges):
        layers[target] = max(layers[target], layers[source] + 1)
    return layers


def _route(
    spots: Sequence[_Spot], layers: Sequence[int], rows: list[list[_Spot]], edge: tuple[int, int]
) -> list[_Spot]:
    source, target = edge
    between = range(layers[source] + 1, layers[target])
    chain: list[_Spot] = []
    if len(between) < LONG_EDGE:
        for layer in between:
            chain.append(_Spot(8.0, 0.0))
            rows[layer].append(chain[-1])
    for upper, lower in pairwise((spots[source], *chain, spots[target])):
        upper.below.append(lower)
        lower.above.append(upper)
    return chain


def _untangle(rows: list[list[_Spot]]) -> None:
    """Orders each row by the mean place of its neighbours, downwards and upwards by turns."""
    for row in rows:
        _number(row)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            row.sort(key=lambda spot: _mean_rank(spot, spot.above if downwards else spot.below))
            _number(row)


def _number(row: list[_Spot]) -> None:
    for rank, spot in enumerate(row):
        spot.rank = rank


def _mean_rank(spot: _Spot, neighbours: list[_Spot]) -> float:
    return sum(other.rank for other in neighbours) / len(neighbours) if neighbours else float(spot.rank)


def _place(rows: list[list[_Spot]]) -> None:
    y = 0.0
    for row in rows:
        height = max((spot.height for spot in row), default=0.0)
        x = 0.0
        for spot in row:
            spot.x, x = x, x + spot.width + GAP_X
            spot.height = spot.height or height  # the crossing of an edge is as high as its row
            spot.y = y + (height - spot.height) / 2
        y += height + GAP_Y
        for spot in row:
            spot.x -= (x - GAP_X) / 2
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            _draw_near(row, upwards=downwards)


def _draw_near(row: list[_Spot], *, upwards: bool) -> None:
    """Moves each spot of a row below (or above) its neighbours, as far as the others leave room."""
    wanted = [_wanted(spot, spot.above if upwards else spot.below) for spot in row]
    leftmost, rightmost = list(wanted), list(wanted)
    for i in range(1, len(row)):
        leftmost[i] = max(wanted[i], leftmost[i - 1] + row[i - 1].width + GAP_X)
    for i in range(len(row) - 2, -1, -1):
        rightmost[i] = min(wanted[i], rightmost[i + 1] - row[i].width - GAP_X)
    # Both keep the distances, and so does what lies half-way between them.
    for spot, left, right in zip(row, leftmost, rightmost, strict=True):
        spot.x = (left + right) / 2


def _wanted(spot: _Spot, neighbours: list[_Spot]) -> float:
    if not neighbours:
        return spot.x
    return sum(other.middle() for other in neighbours) / len(neighbours) - spot.width / 2
