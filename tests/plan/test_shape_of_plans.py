"""Analysis and description of plans: layers, critical path, edges that matter, and the JSON of `plan --json`."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.plan.analysis import MOST_REDUCED, critical_path, essential_edges, graph_edges
from nano_flow.plan.drawing.scene import short_template
from tests.plan.compiling import plan_of

DIAMOND = """
steps:
  a: {prompt: x}
  b: {prompt: x, needs: [a]}
  c: {prompt: "{{ steps.a.output }}"}
  d: {prompt: x, needs: [b, c, a]}
"""


def test_edges() -> None:
    graph = plan_of(DIAMOND).graph
    assert graph_edges(graph) == [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")]


def test_the_critical_path_follows_the_weights() -> None:
    graph = plan_of(DIAMOND).graph
    assert critical_path(graph, lambda name: {"b": 5.0}.get(name, 1.0)) == ["a", "b", "d"]
    assert critical_path(graph, lambda name: {"c": 5.0}.get(name, 1.0)) == ["a", "c", "d"]
    assert critical_path(plan_of("steps: {a: {prompt: x}, b: {prompt: y}}\n").graph, {"a": 1, "b": 2}.__getitem__) == [
        "b"
    ]


def test_edges_that_a_longer_way_says_already_go() -> None:
    assert essential_edges(3, [(0, 1), (1, 2), (0, 2)]) == [(0, 1), (1, 2)]
    assert essential_edges(0, []) == []
    assert essential_edges(MOST_REDUCED + 1, [(0, 2), (0, 1), (1, 2)]) == [(0, 1), (0, 2), (1, 2)]


@settings(deadline=None)
@given(st.data())
def test_the_same_steps_can_be_reached_without_them(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 9))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    kept = essential_edges(count, edges)
    assert set(kept) <= set(edges)
    assert _reach(count, kept) == _reach(count, edges)
    assert all(_reach(count, [e for e in kept if e != edge]) != _reach(count, edges) for edge in kept)


def _reach(count: int, edges: list[tuple[int, int]]) -> list[set[int]]:
    reach: list[set[int]] = [set() for _ in range(count)]
    for source in reversed(range(count)):
        for one, other in edges:
            if one == source:
                reach[source] |= {other} | reach[other]
    return reach


def test_short_templates() -> None:
    step = plan_of("steps: {a: {prompt: ' {{ run.id }} and {{ run.status }}', when: run.id}}\n").graph.steps[0]
    assert short_template(step.when) == "run.id"
    assert short_template(step.spec.prompt) == "{{ run.id }} and {{ run.status }}"  # type: ignore[union-attr]
    assert short_template({"b": [step.when], "a": 1}) == '{"a": 1, "b": ["run.id"]}'
