"""What follows from given inputs before a run: values of templates, and the inputs of sub-workflows."""

from __future__ import annotations

from pathlib import Path

from nano_flow.core.diagnostics import SourceRange
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.pricing.forecast.visits import Known
from nano_flow.project.money.known import KnownInputs, known_inputs
from nano_flow.project.opening import open_workflow
from nano_flow.source.expressions import check_expression, check_template

WHERE = SourceRange("w.yaml", 1, 1, 1, 1)
KNOWN = KnownInputs({"a": "x", "n": [1, 2]})


def test_a_template_is_known_where_all_that_it_names_is() -> None:
    assert KNOWN.value(check_template("see {{ inputs.a }}", WHERE)) == Known("see x")
    assert KNOWN.value(check_expression("inputs.n | length > 1", WHERE)) == Known(True)
    assert KNOWN.value(check_template("plain", WHERE)) == Known("plain")
    for text in ("{{ inputs.b }}", "{{ inputs }}", "{{ steps.s.output }}", "{{ inputs.a.b.c }}"):
        assert KNOWN.value(check_template(text, WHERE)) is None


def test_inputs_of_a_sub_workflow_are_known_as_far_as_their_values_are(tmp_path: Path) -> None:
    (tmp_path / "sub.yaml").write_text(
        "nano_flow: 1\nname: sub\ninputs: {p: {type: object}, q: {type: array}, r: {type: string}, d: {default: 7}}\n"
        "steps: {s: {set: {}}}"
    )
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: w\ninputs: {a: {type: string}, token: {type: string, secret: true}}\nsteps:\n"
        "  one: {set: {}}\n"
        "  sub:\n    workflow: ./sub.yaml\n"
        '    with: {p: {k: "{{ inputs.a }}"}, q: ["{{ steps.one.output }}", 1], r: "{{ steps.one.output }}"}\n'
    )
    plan = open_workflow(str(tmp_path / "w.yaml")).plan
    assert known_inputs(plan, {"a": "x", "token": "12345678"}) == {"a": "x"}
    (spec,) = [step.spec for step in plan.graph.steps if isinstance(step.spec, PlannedWorkflow)]
    inside = KnownInputs({"a": "x"}).inside(spec.plan, spec.inputs)
    assert inside.inputs == {"p": {"k": "x"}, "d": 7}
    nothing = KnownInputs({}).inside(spec.plan, spec.inputs)
    assert nothing.inputs == {"d": 7}
