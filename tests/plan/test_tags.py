"""Tags are declared once, matched in any case, and go wherever the data goes; a rule never fails open for a word."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_workflow
from nano_flow.plan.compile import compile_workflow
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_step
from tests.plan.compiling import HEAD, context, found, hints, plan_of

SECRET = "steps:\n  a: {prompt: x, tags: [PII]}\n"


def tags(text: str, files: Mapping[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    """The tags of every step, by path."""
    return {path: step.tags for path, step in every_step(plan_of(text, files).graph)}


def test_a_tag_is_spelt_as_declared() -> None:
    assert tags("steps: {a: {prompt: x, tags: [PII, Review, pii]}}") == {"a": ("pii", "review")}


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("steps: {a: {prompt: x, tags: [payroll]}}", "3:31", "add to routing.yaml: tags: [pii, review, law, payroll]"),
        ("tags: [payroll]\nsteps: {a: {prompt: x}}", "3:8", "add to routing.yaml: tags: [pii, review, law, payroll]"),
        ("steps: {a: {prompt: x, tags: [reviews]}}", "3:31", 'did you mean "review"?'),
    ],
)
def test_an_undeclared_tag_is_an_error_with_the_line_to_add(text: str, place: str, hint: str) -> None:
    (said,) = found(text)
    assert said.startswith(f"{place} NF350 the tag ")
    assert hints(text)[0].startswith(hint)


@pytest.mark.parametrize(
    "step",
    [
        "{prompt: 'About {{ steps.a.output }}'}",
        "{prompt: x, system: '{{ steps.a.output }}'}",
        "{prompt: x, conversation: a}",
        "{set: {v: '{{ steps.a.output }}'}}",
        "{for_each: '{{ [steps.a.output] }}', prompt: 'About {{ item }}'}",
        "{prompt: x, verify: [{judge: 'Does it say {{ steps.a.output }}?'}]}",
        "{run: [echo], env: {V: '{{ steps.a.output }}'}}",
        "{tool: read_file, with: {path: '{{ steps.a.output }}'}}",
        "{prompt: 'Why {{ steps.a.error }}?', trigger_rule: all_done}",
        "{steps: {i: {prompt: 'About {{ steps.a.output }}'}}}",
        "{switch: {value: run.id, cases: {k: {set: {v: 1}}}, default: {prompt: '{{ steps.a.output }}'}}}",
        "{steps: {i: {set: {v: 1}}}, outputs: '{{ steps.a.output }}'}",
    ],
)
def test_tags_flow_with_the_data_to_the_step_and_on(step: str) -> None:
    text = f"{SECRET}  b: {step}\n  c: {{prompt: 'On {{{{ steps.b.output }}}}'}}\n"
    assert tags(text)["c"] == ("pii",)


def test_what_only_decides_brings_no_tags() -> None:
    text = f"""{SECRET}  b: {{when: steps.a.output == 'x', prompt: y}}
  c: {{needs: [a], prompt: z}}
  d: {{switch: {{value: steps.a.output, cases: {{k: {{set: {{v: 1}}}}}}, default: {{prompt: w}}}}}}
"""
    assert {path: found for path, found in tags(text).items() if path != "a"} == {"b": (), "c": (), "d": ()}


def test_groups_lists_and_loops_hand_them_to_what_is_inside() -> None:
    inside = tags(
        SECRET
        + "  g: {for_each: '{{ [steps.a.output] }}', steps: {i: {prompt: '{{ item }}'}, "
        + "j: {prompt: x, inherit_tags: false}}}\n"
        + "  h: {tags: [law], steps: {k: {prompt: x, inherit_tags: false}}}\n"
    )
    assert (inside["g.i"], inside["g.j"], inside["h.k"]) == (("pii",), (), ("law",))
    for loop, name in (("", "previous"), (", as: r", "r.previous")):
        head = f"steps: {{g: {{repeat: {{max_iterations: 2{loop}}}, steps: "
        inner = f"{{i: {{prompt: 'On {{{{ {name} }}}}'}}, j: {{prompt: x, tags: [pii]}}}}}}}}"
        assert tags(head + inner)["g.i"] == ("pii",)


def test_a_group_that_says_its_outputs_gives_no_other_tags() -> None:
    group = "  g: {steps: {i: {prompt: x, tags: [pii]}, j: {prompt: y}}, outputs: '{{ steps.j.output }}'}\n"
    assert tags(f"steps:\n{group}  b: {{prompt: '{{{{ steps.g.output }}}}'}}\n")["b"] == ()
    other = group.replace("steps.j", "steps.i")
    both = tags(f"steps:\n{other}  b: {{prompt: '{{{{ steps.g.output }}}}'}}\n")
    assert (both["b"], both["g.j"]) == (("pii",), ())


def test_a_handler_that_tells_of_a_failure_has_the_tags_of_what_may_have_failed() -> None:
    text = SECRET + "on_failure: {t: {prompt: 'Say {{ failure.message }}'}, u: {prompt: 'Say {{ failure.class }}'}}\n"
    assert tags(text)["t"] == ("pii",)


def test_inherit_tags_false_ends_what_comes_along_and_keeps_what_is_written() -> None:
    text = f"tags: [law]\n{SECRET}  b: {{prompt: '{{{{ steps.a.output }}}}', inherit_tags: false, tags: [review]}}\n"
    assert tags(text) == {"a": ("law", "pii"), "b": ("law", "review")}


SUB = """inputs: {q: {type: string}}
steps:
  x: {prompt: 'About {{ inputs.q }}'}
  y: {prompt: z, inherit_tags: false}
  n: {steps: {m: {prompt: w}}}
  s: {switch: {value: run.id, cases: {k: {set: {v: 1}}}, default: {prompt: v}}}
outputs: {all: '{{ steps.x.output }}'}
"""


def test_sub_workflows_have_the_tags_of_the_step_that_calls_them_and_other_callers_have_none() -> None:
    calls = "  b: {workflow: sub.yaml, with: {q: '{{ steps.a.output }}'}}\n  c: {workflow: sub.yaml, with: {q: x}}\n"
    text = f"{SECRET}{calls}  d: {{prompt: '{{{{ steps.b.output }}}} {{{{ steps.c.output }}}}'}}\n"
    had = tags(text, {"sub.yaml": HEAD + SUB})
    assert (had["b.x"], had["b.y"], had["b.n.m"], had["b.s"]) == (("pii",), (), ("pii",), ("pii",))
    assert (had["c"], had["c.x"], had["d"]) == ((), (), ("pii",))


def test_what_a_sub_workflow_gives_back_has_the_tags_of_its_outputs() -> None:
    sub = HEAD + SUB.replace("{prompt: 'About {{ inputs.q }}'}", "{prompt: x, tags: [pii]}")
    had = tags(
        "steps: {b: {workflow: sub.yaml, with: {q: x}}, d: {prompt: '{{ steps.b.output.all }}'}}", {"sub.yaml": sub}
    )
    assert (had["d"], had["b.y"]) == (("pii",), ())


def test_what_is_under_other_tags_is_another_definition() -> None:
    def digests(word: str) -> dict[str, str]:
        text = f"steps:\n  a: {{prompt: x, tags: [{word}]}}\n  b: {{prompt: '{{{{ steps.a.output }}}}'}}\n"
        return {path: step.digest for path, step in every_step(plan_of(text).graph)}

    assert digests("pii") == digests("PII")
    assert digests("pii")["b"] != digests("law")["b"]


def test_ten_thousand_steps_in_a_row_are_tagged_at_once() -> None:
    rows = "".join(f"  s{n}: {{set: {{v: '{{{{ steps.s{n + 1}.output.v }}}}'}}}}\n" for n in range(2_000))
    plan: Plan = plan_of(f"steps:\n{rows}  s2000: {{set: {{v: x}}, tags: [pii]}}\n")
    assert {step.tags for step in plan.graph.steps} == {("pii",)}


def forbidden(text: str) -> list[str]:
    from dataclasses import replace

    def forbidding(policy: str, model: ModelRef, tags: object) -> str:
        return "routing.yaml:9 admits only ollama" if "pii" in tags and model.provider != "ollama" else ""  # type: ignore[operator]

    where = replace(context({"sub.yaml": HEAD + SUB}, ("openai/mini",)), forbidding=forbidding)
    return [d.message for d in compile_workflow(load_workflow(HEAD + text, "w.yaml"), where).diagnostics]


def test_a_pinned_model_that_a_rule_forbids_is_refused_before_anything_runs() -> None:
    (said,) = forbidden("steps: {a: {prompt: x, tags: [PII], model: openai/mini}}")
    assert said == '"openai/mini" may not answer "a", which has the tags pii: routing.yaml:9 admits only ollama'
    flows = SECRET + "  b: {prompt: '{{ steps.a.output }}', verify: [{judge: Good?, model: openai/mini}]}\n"
    assert len(forbidden(flows)) == 1
    assert forbidden(flows.replace("verify", "inherit_tags: false, verify")) == []
    assert forbidden("steps: {a: {prompt: x, tags: [pii], model: ollama/llama3}}  # nano-flow: ignore NF353") == []
