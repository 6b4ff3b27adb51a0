"""Order: one topological order of every graph, or the cycles that keep it from having one, as paths with lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.plan.draft import Draft, DraftGraph, Found, Path, problem

if TYPE_CHECKING:
    import networkx

MOST_CYCLES = 10
MOST_WAYS = 20
"""Steps that the first one of a cycle waits for, and that a way back is looked for from."""
LONGEST_PATH = 12


def order_steps(draft: Draft) -> tuple[Draft, Found]:
    """In-degrees, not networkx: ``find_cycle`` takes 271 ms on a good graph of 1,000 steps."""
    orders: list[list[int]] = []
    found: Found = []
    for graph in draft.graphs:
        order = _order(draft, graph.steps)
        orders.append(order)
        if len(order) < len(graph.steps):
            found.extend(_cycles(draft, graph, set(graph.steps) - set(order)))
    return replace(draft, orders=orders), found


def upstream(draft: Draft, step: int) -> tuple[int, ...]:
    """Every sibling that ``step`` waits for."""
    needs, references = draft.needs[step], draft.references[step]
    if not references:
        return needs
    return tuple(dict.fromkeys((*needs, *references))) if needs else references


def _order(draft: Draft, steps: Iterable[int]) -> list[int]:
    waits: dict[int, int] = {}
    below: dict[int, list[int]] = {number: [] for number in steps}
    for number in below:
        above = [other for other in upstream(draft, number) if other in below]
        waits[number] = len(above)
        for other in above:
            below[other].append(number)
    ready = deque(number for number, count in waits.items() if count == 0)
    order: list[int] = []
    while ready:
        number = ready.popleft()
        order.append(number)
        for other in below[number]:
            waits[other] -= 1
            if waits[other] == 0:
                ready.append(other)
    return order


def _cycles(draft: Draft, graph: DraftGraph, left: set[int]) -> Iterable[Diagnostic]:
    """The cycles among the steps that cannot be ordered, the shortest through each first step."""
    import networkx  # only a plan with a mistake needs it: a good one is ordered without

    waits: networkx.DiGraph[int] = networkx.DiGraph()
    waits.add_edges_from((number, other) for number in left for other in upstream(draft, number) if other in left)
    for _ in range(MOST_CYCLES):
        tangles = [part for part in networkx.strongly_connected_components(waits) if _is_cyclic(waits, part)]
        if not tangles:
            return
        tangle = min(tangles, key=min)
        cycle = _shortest(waits.subgraph(tangle), min(tangle))
        yield _describe(draft, graph, cycle)
        waits.remove_nodes_from(cycle)  # what only waits for this cycle is no cycle of its own


def _is_cyclic(waits: networkx.DiGraph[int], part: set[int]) -> bool:
    return len(part) > 1 or any(waits.has_edge(number, number) for number in part)


def _shortest(tangle: networkx.DiGraph[int], first: int) -> list[int]:
    """The shortest cycle through ``first``, in the order of waiting."""
    import networkx

    ways = (networkx.shortest_path(tangle, other, first) for other in islice(sorted(tangle[first]), MOST_WAYS))
    shortest: list[int] = min(ways, key=len)
    return [first, *shortest[:-1]]


def _describe(draft: Draft, graph: DraftGraph, cycle: list[int]) -> Diagnostic:
    links = [_link(draft, step, cycle[(i + 1) % len(cycle)]) for i, step in enumerate(cycle)]
    if len(links) > LONGEST_PATH:
        links = [*links[: LONGEST_PATH - 1], f"… {len(links) - LONGEST_PATH} more …", links[-1]]
    first = draft.steps[cycle[0]]
    target = cycle[1 % len(cycle)]
    declared = first.document.needs or ()
    at: Path = first.at
    where = draft.key(at)
    if draft.steps[target].id in declared:
        at = (*at, "needs", list(declared).index(draft.steps[target].id))
        where = draft.where(at)
    message = f'"{first.id}" waits for itself: {", ".join(links)}'
    return problem("NF303", message, where, at=at, hint="remove one of these")


def _link(draft: Draft, step: int, target: int) -> str:
    here, there = draft.steps[step], draft.steps[target]
    line = draft.key(here.at).line
    if there.id in (here.document.needs or ()):
        how = "needs"
    elif target in draft.references[step]:
        how = "refers to"
    else:
        how = "stands, in a sequence, below"
    return f'"{here.id}" (line {line}) {how} "{there.id}"'
