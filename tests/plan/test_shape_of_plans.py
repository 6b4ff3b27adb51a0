"""Analysis and description of plans: layers, critical path, edges that matter, and the JSON of `plan --json`."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.plan.analysis.describe import describe_plan, describe_steps, short_template
from nano_flow.plan.analysis.graphs import MOST_REDUCED, critical_path, essential_edges, graph_edges, layers
from tests.plan.compiling import plan_of

DIAMOND = """
steps:
  a: {prompt: x}
  b: {prompt: x, needs: [a]}
  c: {prompt: "{{ steps.a.output }}"}
  d: {prompt: x, needs: [b, c, a]}
"""


def test_layers_and_edges() -> None:
    graph = plan_of(DIAMOND).graph
    assert layers(graph) == [["a"], ["b", "c"], ["d"]]
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


def test_a_described_plan_is_json() -> None:
    text = """
    inputs: {x: {type: string, secret: true}}
    limits: {budget: {usd: 0.5}}
    steps:
      a: {for_each: [1], repeat: {max_iterations: 2}, when: "{{ run.id }}", set: {}}
      g: {needs: [a], steps: {i: {prompt: "{{ steps.a.output }}"}}, finally: {z: {set: {}}}}
      s: {switch: {value: run.id, cases: {x: {set: {}}}, default: {set: {}}}}
      w: {workflow: sub.yaml}
      v: {workflow: sub.yaml}
    on_failure: {h: {set: {}}}
    """
    sub = "nano_flow: 1\nname: s\nsteps: {n: {set: {}}}\nfinally: {m: {set: {}}}\n"
    plan = plan_of(text, {"sub.yaml": sub})
    described = json.loads(json.dumps(describe_plan(plan)))
    assert (described["schema"], described["workflow"], described["budget_usd"]) == ("nano-flow/plan@1", "t", "0.5")
    assert described["inputs"] == {"x": {"required": True, "secret": True}}
    assert described["handlers"]["on_failure"][0]["path"] == "h"
    a, g, s, w, v = described["steps"]
    assert (a["when"], a["for_each"], a["repeat"]) == (
        "run.id",
        {"over": "[1]", "as": "item", "max_items": 1000},
        {"max_iterations": 2},
    )
    assert (g["needs"], g["references"], g["children"][0]["path"]) == (["a"], ["a"], "g.i")
    assert g["handlers"]["finally"][0]["path"] == "g.z"
    assert (s["value"], s["cases"]["x"]["path"], s["default"]["kind"]) == ("run.id", "s", "set")
    assert (w["children"][0]["path"], w["handlers"]["finally"][0]["path"], "children" in v) == ("w.n", "w.m", False)
    assert describe_steps(plan.graph, "outer.")[0]["path"] == "outer.a"  # type: ignore[index, call-overload]


def test_short_templates() -> None:
    step = plan_of("steps: {a: {prompt: ' {{ run.id }} and {{ run.status }}', when: run.id}}\n").graph.steps[0]
    assert short_template(step.when) == "run.id"
    assert short_template(step.spec.prompt) == "{{ run.id }} and {{ run.status }}"  # type: ignore[union-attr]
    assert short_template({"b": [step.when], "a": 1}) == '{"a": 1, "b": ["run.id"]}'
