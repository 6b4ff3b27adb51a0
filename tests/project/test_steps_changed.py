"""Which steps a resume calls changed."""

from __future__ import annotations

from nano_flow.project.opening import step_digests
from nano_flow.project.preparing import changed_steps
from tests.plan.compiling import plan_of

CASES = """
steps:
  kind: {{run: [kind]}}
  route:
    switch:
      value: steps.kind.output.stdout
      cases:
        a: {{steps: {{ask: {{prompt: {first}, model: sim/small}}}}}}
        b: {{steps: {{ask: {{prompt: {second}, model: sim/small}}, tell: {{run: [tell]}}}}}}
"""


def test_steps_of_one_id_in_two_cases_are_both_looked_at() -> None:
    before = step_digests(plan_of(CASES.format(first="one", second="two")))
    for first, second in (("one", "other"), ("other", "two")):
        now = step_digests(plan_of(CASES.format(first=first, second=second)))
        assert changed_steps(before, now) == ("route", "route.ask")
    assert changed_steps(before, dict(before)) == ()
