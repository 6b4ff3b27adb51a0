"""Edges and order: needs, sequences, cycles, ids, and steps that never run."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.compiling import compile_text, found, hints, plan_of


@pytest.mark.parametrize(
    ("steps", "expected", "hint"),
    [
        (
            "  build: {prompt: x}\n  b: {prompt: x, needs: [buidl]}",
            '5:26 NF302 "b" needs "buidl", but there is no such step beside it',
            'did you mean "build"?',
        ),
        (
            "  g: {steps: {inner: {prompt: x}}}\n  b: {prompt: x, needs: inner}",
            '5:25 NF302 "b" needs "inner", but there is no such step beside it',
            'it stands inside "g": need that',
        ),
        (
            "  a: {prompt: x}\n  g: {steps: {inner: {prompt: x, needs: [a]}}}",
            '5:42 NF302 "inner" needs "a", which stands outside of "g"',
            "`needs` names steps beside this one; write it at the group",
        ),
        (
            "  a: {prompt: x}\non_failure: {h: {prompt: x, needs: [a]}}",
            '5:37 NF302 "h" needs "a", which stands outside of the handlers',
            "`needs` names steps beside this one; write it at the group",
        ),
        (
            "  a: {prompt: x}\n  s: {switch: {value: run.id, cases: {x: {prompt: y, needs: [a]}}, default: {set: {}}}}",
            '5:62 NF302 "s" needs "a", but a case has no step beside it',
            "write `needs` at the step that holds the `switch`",
        ),
        (
            "  a: {prompt: x}\n  g: {steps: {h: {steps: {i: {prompt: x, needs: [a]}}}}}",
            '5:50 NF302 "i" needs "a", which stands outside of "h"',
            "`needs` names steps beside this one; write it at the group",
        ),
    ],
)
def test_needs_names_a_step_beside(steps: str, expected: str, hint: str) -> None:
    text = f"steps:\n{steps}\n"
    assert (found(text), hints(text)) == ([expected], [hint])


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("  a: {prompt: x, needs: [a]}", '4:26 NF303 "a" waits for itself: "a" (line 4) needs "a"'),
        (
            "  a: {prompt: x, needs: [c]}\n  b: {prompt: '{{ steps.a.output }}'}\n  c: {prompt: x, needs: [b]}",
            '4:26 NF303 "a" waits for itself: '
            '"a" (line 4) needs "c", "c" (line 6) needs "b", "b" (line 5) refers to "a"',
        ),
        (
            "  a: {prompt: '{{ steps.b.output }}'}\n  b: {prompt: '{{ steps.a.output }}'}\n  c: {set: {}, needs: [a]}",
            '4:3 NF303 "a" waits for itself: "a" (line 4) refers to "b", "b" (line 5) refers to "a"',
        ),
        (
            "  a: {steps: {x: {prompt: '{{ steps.b.output }}'}}}\n  b: {prompt: x, needs: [a]}",
            '4:3 NF303 "a" waits for itself: "a" (line 4) refers to "b", "b" (line 5) needs "a"',
        ),
    ],
)
def test_a_cycle_is_a_path_with_lines(steps: str, expected: str) -> None:
    assert found(f"steps:\n{steps}\n") == [expected]


def test_a_sequence_can_be_part_of_a_cycle() -> None:
    text = "sequential: true\nsteps:\n  a: {prompt: x, needs: [b]}\n  b: {prompt: y}\n"
    assert found(text) == [
        '5:26 NF303 "a" waits for itself: "a" (line 5) needs "b", "b" (line 6) stands, in a sequence, below "a"'
    ]


def test_every_cycle_is_told_and_long_ones_are_cut() -> None:
    ring = [f"  r{n}: {{prompt: x, needs: [r{(n + 1) % 30}]}}" for n in range(30)]
    text = "steps:\n  a: {prompt: x, needs: [b]}\n  b: {prompt: x, needs: [a]}\n" + "\n".join(ring)
    first, second = found(text)
    assert first.startswith('4:26 NF303 "a" waits for itself')
    assert second.startswith('6:27 NF303 "r0" waits for itself') and "… 18 more …" in second
    assert second.endswith('"r29" (line 35) needs "r0"')


def test_many_slips_are_not_all_told() -> None:
    lines = [f"  s{n}: {{prompt: x, needs: [gone{n}]}}" for n in range(300)]
    assert len(found("steps:\n" + "\n".join(lines))) == 200


def test_many_cycles_are_not_all_told() -> None:
    pairs = [f"  a{n}: {{prompt: x, needs: [b{n}]}}\n  b{n}: {{prompt: x, needs: [a{n}]}}" for n in range(30)]
    assert len(found("steps:\n" + "\n".join(pairs))) == 10


def test_ids_are_unique_along_a_scope_chain() -> None:
    text = """
    steps:
      a: {prompt: x}
      g: {steps: {a: {prompt: x}, h: {steps: {g: {prompt: x}}}}}
      other: {steps: {free: {prompt: x}, again: {prompt: x}}}
      again: {steps: {free: {prompt: x}}}
    on_failure: {a: {prompt: x}, tell: {prompt: x}}
    finally: {tell: {prompt: x}}
    """
    assert found(text) == [
        '5:15 NF301 the id "a" is taken: a step around this one, on line 4, has it',
        '5:43 NF301 the id "g" is taken: a step around this one, on line 5, has it',
        '6:38 NF301 the id "again" is taken: a step around this one, on line 7, has it',
        '8:14 NF301 the id "a" is taken: a step around this one, on line 4, has it',
        '9:11 NF301 the id "tell" is taken: a step around this one, on line 8, has it',
    ]


def test_sequential_adds_the_step_above() -> None:
    text = """
    sequential: true
    steps:
      a: {run: [x]}
      b: {run: [x], needs: [a]}
      g: {sequential: true, steps: {c: {run: [x]}, d: {run: [x], trigger_rule: all_done}}}
    finally: {e: {prompt: x}, f: {prompt: x}}
    """
    plan = plan_of(text)
    a, b, g = plan.graph.steps
    assert (a.needs, b.needs, g.needs) == ((), ("a",), ("b",))
    assert (a.trigger_rule, b.trigger_rule) == ("none_failed", "none_failed")
    inner = g.spec.graph.steps  # type: ignore[union-attr]
    assert [(step.needs, step.trigger_rule) for step in inner] == [((), "none_failed"), (("c",), "all_done")]
    assert plan.graph.finally_ is not None
    assert [step.needs for step in plan.graph.finally_.steps] == [(), ()]


def test_a_conversation_is_an_edge() -> None:
    steps = plan_of("steps:\n  a: {prompt: x}\n  b: {prompt: y, conversation: a}\n").graph.steps
    assert steps[1].references == ("a",)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            "  a: {prompt: x, trigger_rule: all_done}",
            '4:18 NF326? "a" waits for no step, so "trigger_rule" has nothing to look at',
        ),
        ("  a: {prompt: x, when: false}", '4:24 NF326? "a" never runs'),
        (
            "  f: {finish: done}\n  a: {prompt: x, needs: [f], trigger_rule: all_done}",
            '5:3 NF332 "a" is never reached: it waits for "f", which ends the run',
        ),
        (
            "  f: {fail: no, when: run.id}\n  a: {prompt: x, needs: [f]}",
            '5:3 NF332 "a" is never reached: it waits for "f", which ends the run',
        ),
        (
            "  f: {fail: no}\n  a: {prompt: x, needs: [f], trigger_rule: none_failed}",
            '5:3 NF332 "a" is never reached: it waits for "f", which ends the run',
        ),
    ],
)
def test_what_never_runs_is_said(steps: str, expected: str) -> None:
    assert found(f"steps:\n{steps}\n") == [expected]


def test_a_step_after_a_conditional_end_may_run() -> None:
    assert (
        found("steps:\n  f: {fail: x, when: run.id}\n  a: {prompt: x, needs: [f], trigger_rule: none_failed}\n") == []
    )
    assert found("sequential: true\nsteps:\n  f: {finish: x, when: run.id}\n  a: {prompt: x}\n") == []


A_THEN_F = "steps:\n  a: {%s}\n  f: {%s}\n  b: {%s, set: {}}\n"


@pytest.mark.parametrize(
    ("a", "f", "b", "reached"),
    [
        # skipped with the step above it, and a skip is admitted
        ("when: run.id, set: {}", "needs: [a], finish: x", "needs: [f], trigger_rule: none_failed", True),
        ("set: {}", "needs: [a], trigger_rule: one_failed, fail: x", "needs: [f], trigger_rule: all_done", True),
        # a failure above it is a failure of it, which only some rules admit
        ("run: [x]", "needs: [a], finish: x", "needs: [f], trigger_rule: one_failed", True),
        ("run: [x]", "needs: [a], finish: x", "needs: [f], trigger_rule: none_failed", False),
        ("run: [x], on_error: continue", "needs: [a], finish: x", "needs: [f], trigger_rule: all_done", False),
        # beside a step that succeeds, or where its list may be empty
        ("set: {}", "when: run.id, finish: x", "needs: [a, f], trigger_rule: one_success", True),
        ("set: {l: []}", "for_each: steps.a.output.l, fail: x", "needs: [f]", True),
        ("set: {}", "fail: x", "needs: [f], trigger_rule: one_failed", False),
        ("set: {}", "when: run.id, finish: x", "needs: [f], trigger_rule: none_failed_min_one_success", False),
    ],
)
def test_what_is_never_reached_is_decided_by_all_that_may_happen(a: str, f: str, b: str, reached: bool) -> None:
    assert [line for line in found(A_THEN_F % (a, f, b)) if "NF332" in line] == ([] if reached else [ANY])


def test_a_tolerated_end_is_refused() -> None:
    (tolerated,) = found("steps:\n  f: {fail: x, on_error: continue}\n")
    assert tolerated == '4:16 NF334 "on_error" has no meaning on "fail": the run ends there'
    (asked,) = found(
        'steps:\n  p: {prompt: x, model: sim/small, retry: {max_attempts: 2, when: "error.exit_code > 1"}}\n'
    )
    assert asked.startswith('4:61 NF334 "retry.when" does not reach the calls of a model')


WRITERS = [
    "{run: [x]}",
    "{prompt: x, tools: [write_file]}",
    "{tool: edit_file}",
    "{tool: mine}",
    "{steps: {i%s: {run: [x]}}}",
    "{switch: {value: run.id, cases: {x: {run: [x]}}, default: {set: {}}}}",
    "{workflow: sub.yaml}",
]


@pytest.mark.parametrize("writer", WRITERS)
def test_two_writers_without_an_order_get_a_warning(writer: str) -> None:
    head = "tools: {mine: {description: d, run: [x]}}\nsteps:\n"
    files = {"sub.yaml": "nano_flow: 1\nname: s\nsteps: {g: {steps: {c: {run: [x]}}}}\n"}
    one, two = writer.replace("%s", "1"), writer.replace("%s", "2")
    warning = '"a" and "b" may run at the same time, and both run commands or write files'
    assert found(f"{head}  a: {one}\n  b: {two}\n", files) == [f"6:3 NF327? {warning}"]
    ordered = two.replace("{", "{needs: [a], ", 1)
    assert found(f"{head}  a: {one}\n  b: {ordered}\n", files) == []


def test_readers_and_ordered_writers_get_no_warning() -> None:
    text = """
    steps:
      a: {run: [x]}
      read: {needs: [a], prompt: x, tools: [read_file]}
      b: {needs: [read], run: [x]}
      c: {run: [y, "{{ steps.b.output.stdout }}"]}
      w: {workflow: sub.yaml}
      s: {switch: {value: run.id, cases: {x: {run: [x]}, y: {run: [x]}}, default: {set: {}}}, needs: [c]}
    """
    files = {"sub.yaml": "nano_flow: 1\nname: s\nsteps: {c: {prompt: x}}\nfinally: {d: {prompt: x}}\n"}
    assert found(text, files) == []


@settings(deadline=None)
@given(st.data())
def test_an_order_puts_every_step_after_what_it_waits_for(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    places = data.draw(st.permutations(range(count)))
    lines = []
    for place, number in enumerate(places):
        others = [f"s{other}" for other in places[:place]]
        needs = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
        uses = data.draw(st.lists(st.sampled_from(others), unique=True, max_size=2)) if others else []
        text = "".join(f"{{{{ steps.{name}.output }}}}" for name in uses)
        lines.append((number, f"  s{number}: {{prompt: 'x{text}', needs: [{', '.join(needs)}]}}"))
    text = "steps:\n" + "\n".join(line for _, line in sorted(lines))
    graph = plan_of(text).graph
    position = {name: place for place, name in enumerate(graph.order)}
    assert sorted(graph.order) == sorted(step.id for step in graph.steps)
    for step in graph.steps:
        assert all(position[other] < position[step.id] for other in (*step.needs, *step.references))


def test_a_chain_of_5000_and_groups_within_groups() -> None:
    chain = ["  s0: {prompt: x}", *(f"  s{n}: {{prompt: x, needs: [s{n - 1}]}}" for n in range(1, 5000))]
    plan = plan_of("steps:\n" + "\n".join(chain))
    assert plan.graph.order[-1] == "s4999"
    deep = "".join(f"{{g{n}: {{steps: " for n in range(30)) + "{leaf: {prompt: x}}" + "}}" * 30
    assert compile_text(f"steps: {deep}\n").plan is not None
