"""Bounds that are known before a run."""

from __future__ import annotations

import pytest

from nano_flow.plan.checks import bounds
from tests.plan.compiling import compile_text, found


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("for_each: range(1001), prompt: x", "5:17 NF323 the list has 1,001 items, and max_items is 1,000"),
        ("for_each: 'range(1, 1003) | list', prompt: x", "5:17 NF323 the list has 1,002 items"),
        ("for_each: '{{ range(0, 9000, 2) | list }}', prompt: x", "5:17 NF323 the list has 4,500 items"),
        ("for_each: [1, 2, 3], max_items: 2, prompt: x", "5:17 NF323 the list has 3 items, and max_items is 2"),
        ("for_each: {file: a.xml}, prompt: x", "5:24 NF329 for_each reads .csv, .jsonl, .json or .txt, and this is"),
        ("for_each: run.id, prompt: x", "5:17 NF329 for_each goes over a list, and this is a text"),
        ("for_each: run, prompt: x", "5:17 NF329 for_each goes over a list, and this is no list"),
        ("for_each: inputs.flag, prompt: x", "5:17 NF329 for_each goes over a list, and this is no list"),
    ],
)
def test_a_list_that_cannot_work_is_refused(step: str, expected: str) -> None:
    (line,) = found(f"inputs: {{flag: {{type: boolean}}}}\nsteps:\n  a: {{{step}}}\n")
    assert line.startswith(expected)


@pytest.mark.parametrize(
    "step",
    [
        "for_each: range(1000), prompt: x",
        "for_each: range(2000), max_items: 2000, prompt: x",
        "for_each: 'range(inputs.n)', prompt: x",
        "for_each: inputs.list, prompt: x",
        "for_each: inputs.either, prompt: x",
        "for_each: inputs.any, prompt: x",
        "for_each: [], prompt: x",
    ],
)
def test_a_list_that_may_work_is_let_pass(step: str) -> None:
    types = "list: {type: array}, either: {type: [array, 'null']}, any: {}, n: {type: integer}"
    assert found(f"inputs: {{{types}}}\nsteps: {{a: {{{step}}}}}\n") == []


MILLION = """
steps:
  outer:
    for_each: range(1000)
    steps:
      inner: {for_each: range(1000), prompt: x}
"""


def test_fan_outs_of_fan_outs_are_counted() -> None:
    assert found(MILLION) == ['5:15 NF323 "outer" starts 1,000,000 steps, and limits.steps is 100,000']
    assert found("limits: {steps: 1M}\n" + MILLION.lstrip()) == []
    assert found(MILLION.replace("inner: {", "inner: {when: run.id, ")) == []


def test_the_innermost_step_over_the_bound_is_named() -> None:
    text = "limits: {steps: 5}\nsteps: {g: {steps: {h: {for_each: range(6), prompt: x}}}}\n"
    assert found(text) == ['4:35 NF323 "h" starts 6 steps, and limits.steps is 5']
    group = "limits: {steps: 2}\nsteps: {g: {steps: {a: {prompt: x}, b: {prompt: x}, c: {prompt: x}}}}\n"
    assert found(group) == ['4:9 NF323 "g" starts 3 steps, and limits.steps is 2']


def test_all_steps_together_are_counted() -> None:
    text = "limits: {steps: 2}\nsteps: {a: {prompt: x}, b: {prompt: x}, c: {prompt: x}}\n"
    assert found(text) == ["3:17 NF323 this workflow starts 3 steps, and limits.steps is 2"]
    assert found(text.replace("c: {", "c: {when: run.id, ")) == []
    assert found(text.replace("c: {", "c: {needs: [b], ").replace("b: {", "b: {when: run.id, ")) == []
    assert found(text.replace("prompt: x}}", "switch: {value: run.id, cases: {x: {prompt: x}}}}}")) == []


SUB = """nano_flow: 1
name: sub
steps:
  a: {for_each: range(10), prompt: x}
  g: {for_each: [1, 2], steps: {b: {prompt: x}, c: {when: run.id, prompt: x}}}
  s: {switch: {value: run.id, cases: {x: {prompt: x}}}}
  f: {finish: done, needs: [g]}
  w: {workflow: leaf.yaml}
"""
LEAF = "nano_flow: 1\nname: leaf\nsteps: {l: {for_each: range(7), prompt: x}}\n"


def test_sub_workflows_are_counted() -> None:
    text = "limits: {steps: 59}\nsteps: {s: {for_each: [1, 2, 3], workflow: sub.yaml}}\n"
    # ten prompts, two groups with one certain prompt each, one finish, seven prompts of the leaf
    lines = found(text, {"sub.yaml": SUB, "leaf.yaml": LEAF})
    assert lines == ['4:23 NF323 "s" starts 60 steps, and limits.steps is 59']


def test_files_that_call_each_other_twice_do_not_explode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_STEPS", 100)
    files = {f"f{n}.yaml": _twice(n) for n in range(1, 10)}
    files["f10.yaml"] = "nano_flow: 1\nname: last\nsteps: {a: {prompt: x}}\n"
    (diagnostic,) = compile_text("steps: {s: {workflow: f1.yaml}}\n", files).diagnostics
    assert str(diagnostic) == "f4.yaml:3:61  error NF323  with its sub-workflows this file has more than 100 steps"


def _twice(number: int) -> str:
    call = f"{{workflow: f{number + 1}.yaml, when: run.id}}"
    return f"nano_flow: 1\nname: f\nsteps: {{a: {call}, b: {call}}}\n"
