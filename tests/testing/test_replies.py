"""What a list of replies is matched with, what a case expects of money, failures and refusals, and scripted servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.testing.cases import run_tests
from tests.workflows.scenarios import problems

LOOP = """
steps:
  round:
    repeat: {until: iteration == 2, max_iterations: 2}
    steps:
      each: {for_each: [a, b], steps: {ask: {prompt: "{{ item }}", model: sim/small}}}
outputs: {all: "{{ steps.round.output.each | map(attribute='ask') | list }}"}
=== test.yaml
cases:
"""


@pytest.mark.parametrize(
    ("replies", "last"),
    [
        ("[for a, for b]", "[for a, for b]"),
        ("[same]", "[same, same]"),
        ("[[a1, b1], [a2, b2]]", "[a2, b2]"),
        ("[[a1, b1], [a2]]", "[a2, a2]"),
    ],
)
def test_lists_go_by_the_innermost_item_and_nested_ones_by_index(replies: str, last: str, tmp_path: Path) -> None:
    case = f"  c: {{replies: {{round.each.ask: {replies}}}, expect: {{outputs: {{all: {last}}}}}}}\n"
    assert problems(LOOP + case, tmp_path) == []


def test_a_flat_list_without_items_goes_by_execution(tmp_path: Path) -> None:
    text = """
steps:
  outer:
    repeat: {until: iteration == 2, max_iterations: 2}
    steps:
      inner: {repeat: {until: iteration == 2, max_iterations: 2}, prompt: "{{ iteration }}", model: sim/small}
outputs: {last: "{{ steps.outer.output.inner }}"}
=== test.yaml
cases:
  four executions: {replies: {outer.inner: [one, two, three, four]}, expect: {outputs: {last: four}}}
"""
    assert problems(text, tmp_path) == []


def test_a_case_of_a_switch_has_the_indices_of_the_switch_and_its_own(tmp_path: Path) -> None:
    text = """
steps:
  route:
    for_each: [a, b]
    switch: {value: item, cases: {a: {for_each: [1, 2], prompt: x, model: sim/small}, b: {set: {v: 1}}}}
outputs: {a: "{{ steps.route.output[0] }}"}
=== test.yaml
cases:
  by the innermost item: {replies: {"route[0]": [one, two]}, expect: {outputs: {a: [one, two]}}}
"""
    assert problems(text, tmp_path) == []


def test_another_depth_is_a_warning_that_shows_the_address(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\n" + LOOP.split("=== ")[0])
    file = tmp_path / "w.test.yaml"
    file.write_text(
        "nano_flow: 1\nworkflow: ./w.yaml\ncases:\n  c: {replies: {round.each.ask: [[[x], [y]], [[x], [y]]]}}\n"
    )
    (case,) = run_tests(file)
    assert case.warnings[0] == (
        'the replies of "round.each.ask" are lists of 3 levels, but its address, "round[N].each[N].ask", has 2 indices'
    )


TWO = """
steps:
  a: {prompt: hi, model: sim/small, when: "1 == 2"}
  b: {prompt: hi, model: sim/small}
=== test.yaml
cases:
"""


@pytest.mark.parametrize("amount", ["0", "0.00", '"0"', '"0.000"', "{at_most: 0}"])
def test_a_literal_amount_matches_an_equal_one(amount: str, tmp_path: Path) -> None:
    case = f"  c: {{replies: {{b: {{error: bad_request}}}}, expect: {{status: failed, simulated_usd: {amount}"
    assert problems(f"{TWO}{case}, steps: {{a: {{cost: {amount}}}}}}}}}\n", tmp_path) == []


def test_a_literal_amount_that_differs(tmp_path: Path) -> None:
    (problem,) = problems(f"{TWO}  c: {{replies: {{b: hello}}, expect: {{simulated_usd: 1}}}}\n", tmp_path)
    assert problem.startswith('c: simulated_usd: expected "1", got "0.0000')


def test_why_a_step_failed(tmp_path: Path) -> None:
    text = """
steps:
  one: {run: [one], on_error: continue}
  fan: {for_each: [a], run: [two], on_error: continue}
  fine: {run: [three]}
=== test.yaml
cases:
  c:
    replies: {one: {exit_code: 3, stderr: broken}, fan: {exit_code: 4}, fine: ok}
    expect:
      steps:
        one: {error: {class: command, message: "exit code 3: broken"}}
        fan: {error: {message: {contains: exit code 4}}}
        fine: {error: null}
"""
    assert problems(text, tmp_path) == []


REFUSED = """
inputs: {n: {type: integer}}
steps: {a: {set: {n: "{{ inputs.n }}"}}}
=== test.yaml
cases:
"""


def test_a_refusal_may_be_expected(tmp_path: Path) -> None:
    cases = """  wrong type: {inputs: {n: x}, expect: {refused: {contains: '"n"'}}}
  missing: {expect: {refused: true}}
  unknown: {inputs: {n: 1, m: 2}, expect: {refused: {contains: '"m"', not_contains: Traceback}}}
"""
    assert problems(REFUSED + cases, tmp_path) == []
    assert problems(REFUSED + "  c: {inputs: {n: 1}, expect: {refused: {contains: x}}}\n", tmp_path) == [
        'c: refused: expected {"contains": "x"}, but the run began'
    ]
    (problem,) = problems(REFUSED + "  c: {expect: {refused: {contains: elephants}}}\n", tmp_path)
    assert problem.startswith('c: refused: expected it to contain "elephants"')


def test_an_invalid_workflow_may_be_expected_to_be_refused(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\nsteps: {a: {set: {n: '{{ steps.b.output }}'}}}\n")
    file = tmp_path / "w.test.yaml"
    file.write_text(
        "nano_flow: 1\nworkflow: ./w.yaml\ncases:\n"
        '  named: {expect: {refused: {contains: there is no step "b"}}}\n  other: {expect: {status: succeeded}}\n'
    )
    named, other = run_tests(file)
    assert named.problems == ()
    assert other.problems[0].startswith("the case could not run: ") and "NF304" in other.problems[0]


SERVER = """
tools: {tracker: {mcp: {command: [never-started]}}}
steps:
  ask: {prompt: Look., tools: [tracker.search], model: sim/small}
  direct: {needs: [ask], tool: tracker.search, with: {text: x}}
  late: {needs: [direct], tool: tracker.search, on_error: continue}
outputs: {direct: "{{ steps.direct.output }}", why: "{{ steps.late.error.message }}"}
=== test.yaml
cases:
"""


def test_tools_of_a_server_are_scripted_for_all_who_call_them(tmp_path: Path) -> None:
    case = """  c:
    replies: {ask: {turns: [{calls: [{tool: tracker.search, with: {text: a}}]}, done]}}
    tools: {tracker.search: [[first], {hits: 2}, {error: tool, message: the server is tired}]}
    expect:
      outputs: {direct: {hits: 2}, why: the server is tired}
      steps: {ask: {calls: [tracker.search], status: succeeded}}
"""
    assert problems(SERVER + case, tmp_path) == []


def test_names_of_tools_are_checked(tmp_path: Path) -> None:
    (problem,) = problems(SERVER + "  c: {tools: {traker.search: x}}\n", tmp_path)
    assert 'NF602  there is no tool "traker.search" did you mean "tracker"?' in problem


def test_replies_overlap_beside_real_commands(tmp_path: Path) -> None:
    text = """
steps: {each: {for_each: [a, b, c], prompt: "{{ item }}", model: sim/small}}
=== test.yaml
commands: real
cases:
  ready together: {replies: {each: x}, expect: {max_in_flight: 3}}
"""
    assert problems(text, tmp_path) == []
