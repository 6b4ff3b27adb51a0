"""Drawings: goldens for each format, nothing that a page or a terminal would obey, sizes within bounds."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.plan.drawing.draw import GRAPH_FORMATS, GraphFormat, draw
from nano_flow.plan.drawing.layout import GAP_X, LONG_EDGE, ROW_LENGTH, lay_out
from tests.plan.compiling import plan_of

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "sub.yaml": "nano_flow: 1\nname: sub\nsteps: {scan: {run: [ls]}, tell: {prompt: x, needs: [scan]}}\n",
}
FLOW = """
name: claims
nano_flow: 1
inputs: {text: {type: string}}
steps:
  classify:
    prompt: "{{ inputs.text }}"
    output_schema: {properties: {kind: {enum: [bug, payment, other]}}}
  facts: {prompt: "Facts of {{ inputs.text }}", model: simple}
  route:
    needs: [facts]
    switch:
      value: steps.classify.output.kind
      cases:
        bug: {prompt: Reproduce it}
        payment:
          steps:
            look: {tool: read_file, with: {path: a.txt}}
            refund: {needs: [look], approve: {message: "Refund?"}}
      default: {set: {answer: none}}
  build:
    needs: [route]
    repeat: {until: "output.test.exit_code == 0", max_iterations: 3}
    steps:
      code: {prompt: "Do it", tools: [write_file]}
      test: {needs: [code], run: [pytest, -q]}
    on_failure: {undo: {run: [git, stash]}}
  each:
    for_each: "[1, 2]"
    as: number
    when: steps.classify.output.kind != "bug"
    workflow: sub.yaml
  again: {workflow: sub.yaml, needs: [each]}
  join: {needs: [build, again], trigger_rule: all_done, prompt: join}
finally:
  clean: {run: [rm, x]}
"""
STATUSES = {"classify": "succeeded", "build.test": "failed", "each": "running", "each.scan": "skipped", "join": "odd"}


def drawn(form: GraphFormat, statuses: dict[str, str] | None = None, width: int = 80) -> str:
    return draw(plan_of("nano_flow: 1\n" + FLOW.replace("nano_flow: 1\n", ""), FILES), form, statuses, width)


@pytest.mark.parametrize("form", GRAPH_FORMATS)
def test_golden(form: GraphFormat) -> None:
    assert drawn(form, STATUSES) == (GOLDEN / f"claims.{form}").read_text(encoding="utf-8")


def test_a_narrow_tree() -> None:
    lines = drawn("tree", width=40).splitlines()
    assert max(len(line) for line in lines) == 40
    assert (GOLDEN / "claims.40.tree").read_text(encoding="utf-8") == "\n".join(lines) + "\n"


EVIL = """
steps:
  a: {prompt: x, when: "inputs.x == '<script>alert(1)</script> \\" ] } ; # `end` \\e[31m & \\\\n'"}
"""


@pytest.mark.parametrize("form", GRAPH_FORMATS)
def test_no_text_is_obeyed(form: GraphFormat) -> None:
    text = draw(plan_of("inputs: {x: {type: string}}\n" + EVIL.lstrip()), form)
    assert "\x1b" not in text
    if form == "svg":
        assert "<script" not in text
        ElementTree.fromstring(text)
    if form == "mermaid":
        assert "<script" not in text and "`" not in text
        assert text.count('"') == 2
    if form == "dot":
        assert re.search(r'label="(?:[^"\\]|\\.)*", color=', text)


def test_a_switch_without_a_default_and_a_loop_without_an_end() -> None:
    text = "steps: {s: {repeat: {max_iterations: 2}, switch: {value: run.id, cases: {x: {set: {}}}}}}\n"
    assert draw(plan_of(text), "tree").splitlines()[1:] == [
        "└─ s · switch",
        "   │  by run.id",
        "   │  repeat at most 2 times",
        "   └─ case x · set",
    ]


def test_an_svg_holds_every_step_once_and_scales() -> None:
    root = ElementTree.fromstring(drawn("svg", STATUSES))
    space = "{http://www.w3.org/2000/svg}"
    titles = [title.text or "" for title in root.iter(f"{space}title")]
    assert titles.count("classify: succeeded") == 1 and titles.count("each.scan: skipped") == 1
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    boxes = [rect.attrib for rect in root.iter(f"{space}rect")]
    assert all(float(b.get("x", 0)) + float(b["width"]) <= width + 0.1 for b in boxes)
    assert all(float(b.get("y", 0)) + float(b["height"]) <= height + 0.1 for b in boxes)


def test_wide_text_gets_room() -> None:
    narrow, wide = (
        draw(plan_of(f"steps: {{a: {{prompt: x, when: \"'{word}' == run.id\"}}}}\n"), "svg")
        for word in ("abcd", "漢字漢字")
    )
    assert _width(wide) > _width(narrow)


def _width(svg: str) -> int:
    found = re.search(r'width="(\d+)"', svg)
    assert found is not None
    return int(found[1])


@settings(deadline=None)
@given(st.data())
def test_nodes_of_a_layout_never_overlap(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 30))
    sizes = data.draw(st.lists(st.tuples(st.floats(10, 200), st.floats(10, 90)), min_size=count, max_size=count))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []
    layout = lay_out(sizes, edges)
    places = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(layout.corners, sizes, strict=True)]
    for i, one in enumerate(places):
        assert one[0] >= -1e-6 and one[2] <= layout.width + 1e-6 and one[3] <= layout.height + 1e-6
        for other in places[:i]:
            apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
            assert apart
    for source, target in edges:
        assert places[source][3] <= places[target][1]


def test_wide_layers_are_broken_and_long_edges_are_straight() -> None:
    wide = lay_out([(10.0, 10.0)] * 30, [])
    assert wide.width == ROW_LENGTH * 10 + (ROW_LENGTH - 1) * GAP_X
    count = LONG_EDGE + 3
    chain = [(n, n + 1) for n in range(count - 1)]
    bends = lay_out([(10.0, 10.0)] * count, [*chain, (0, count - 1), (0, 3)]).bends
    assert [len(points) for points in bends[-2:]] == [0, 4]


def test_large_workflows_are_drawn_in_bounded_time_and_size() -> None:
    star = ["  s0: {prompt: x}", *(f"  s{n}: {{prompt: x, needs: [s0, s{n - 1}]}}" for n in range(1, 2000))]
    plan = plan_of("steps:\n" + "\n".join(star))
    for form in GRAPH_FORMATS:
        text = draw(plan, form)  # type: ignore[arg-type]
        assert len(text) < 2_000_000
    assert draw(plan, "dot").count("->") == 1999
