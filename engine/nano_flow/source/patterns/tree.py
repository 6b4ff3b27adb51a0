"""A regular expression as a tree of few kinds of node, and how much work matching it by backtracking could be."""

from __future__ import annotations

from dataclasses import dataclass

UNBOUNDED = 1 << 30


@dataclass(frozen=True, slots=True)
class One:
    """One character: ``source`` is the piece of the pattern that says which (``a``, ``\\d``, ``[^x-z]``, ``.``)."""

    source: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place between characters: ``start end start_of_line end_of_line last edge no_edge``."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``part`` from ``least`` to ``most`` times; ``most`` None is without end."""

    part: Node
    least: int
    most: int | None


Node = One | Place | Sequence | Choice | Repeat


@dataclass(frozen=True, slots=True)
class Effort:
    """Backtracking from one start: at most ``ways`` × ``length`` × n to the power of ``stars``, on n characters."""

    ways: int
    length: int
    stars: int


def effort(node: Node) -> Effort:
    """How much work ``node`` could be; ``ways`` UNBOUNDED where backtracking must not be tried."""
    if isinstance(node, One):
        return Effort(1, 1, 0)
    if isinstance(node, Place):
        return Effort(1, 0, 0)
    if isinstance(node, Repeat):
        return _repeated(node)
    parts = [effort(part) for part in (node.parts if isinstance(node, Sequence) else node.branches)]
    if isinstance(node, Choice):
        stars = max((part.stars for part in parts), default=0)
        return Effort(_capped(sum(part.ways for part in parts)), max((part.length for part in parts), default=0), stars)
    ways = 1
    for part in parts:
        ways = _capped(ways * part.ways)
    return Effort(ways, _capped(sum(part.length for part in parts)), sum(part.stars for part in parts))


def _repeated(node: Repeat) -> Effort:
    inner = effort(node.part)
    if node.most is None:
        single = isinstance(node.part, One)
        return Effort(1 if single else UNBOUNDED, node.least + 1, 1)
    if inner.stars or inner.ways > 1:
        # (a|b){2,5}: each round multiplies the ways of the one before
        return Effort(
            _capped(min(inner.ways, UNBOUNDED) ** min(node.most, 40)), node.most * inner.length, inner.stars * node.most
        )
    return Effort(node.most - node.least + 1, _capped(node.most * inner.length), 0)


def _capped(number: int) -> int:
    return min(number, UNBOUNDED)
