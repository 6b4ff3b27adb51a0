"""What can be said of the shape of a graph: its longest path, the edges that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nano_flow.plan.plan import PlannedGraph

MOST_REDUCED = 10_000
"""Steps of a graph whose edges are thinned out; of a larger one, which nobody can look at anyway, all are kept."""


def essential_edges(count: int, edges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """``edges`` without those that a longer way says already; positions ``0 … count - 1`` are in topological order.

    Sets are whole numbers used as bits: on a chain of 10,000 steps networkx's ``transitive_reduction`` holds
    50 million set entries, this 6 MB.
    """
    if count > MOST_REDUCED:
        return sorted(edges)
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        after[source].append(target)
    reach = [0] * count
    kept: list[tuple[int, int]] = []
    for source in range(count - 1, -1, -1):
        seen = 0
        for target in sorted(after[source]):
            if not seen >> target & 1:
                kept.append((source, target))
                seen |= reach[target] | 1 << target
        reach[source] = seen
    return sorted(kept)


def graph_edges(graph: PlannedGraph) -> list[tuple[str, str]]:
    """Every edge of ``graph``, from the step that is waited for to the one that waits."""
    return [(name, step.id) for step in graph.steps for name in dict.fromkeys((*step.needs, *step.references))]


def critical_path(graph: PlannedGraph, weight: Callable[[str], float]) -> list[str]:
    """The ids of the chain that takes longest; ``weight`` tells how long one step takes."""
    import networkx  # 15 × the start of Python: only where it is asked for

    # An edge weighs what its end takes; a common start, which no id can be, gives the first steps their weight.
    whole: networkx.DiGraph[str] = networkx.DiGraph()
    whole.add_weighted_edges_from(("", step.id, weight(step.id)) for step in graph.steps)
    whole.add_weighted_edges_from((source, target, weight(target)) for source, target in graph_edges(graph))
    longest: list[str] = networkx.dag_longest_path(whole)
    return longest[1:]
