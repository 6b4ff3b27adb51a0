"""References: what may be named where, what its members are, and which steps wait because of it."""

from __future__ import annotations

import pytest

from nano_flow.documents.load import load_workflow
from nano_flow.plan.draft import Draft, Use
from nano_flow.plan.names.lost import explain
from nano_flow.plan.names.scope import Lost, Scope
from nano_flow.plan.passes.outline import outline
from nano_flow.plan.places import BODY
from nano_flow.source.expressions import check_template
from tests.plan.compiling import compile_text, context, found, hints, plan_of

SCHEMA = "{type: object, properties: {files: {type: array, items: {type: object, properties: {path: {}}}}}}"
STEPS = f"""
inputs: {{diff: {{type: string}}, token: {{type: string, secret: true}}}}
env: [CI]
steps:
  triage: {{prompt: x, output_schema: {SCHEMA}}}
  text: {{prompt: x}}
  lint: {{run: [ruff]}}
  each: {{for_each: steps.triage.output.files, run: [ls, "{{{{ item.path }}}}"]}}
  ask: {{approve: {{message: ok?}}}}
  made: {{set: {{a: {{b: 1}}, c: "{{{{ steps.triage.output }}}}"}}}}
  group:
    steps:
      one: {{prompt: x}}
      two: {{set: {{z: 1}}}}
  choice: {{switch: {{value: inputs.diff, cases: {{a: {{set: {{p: 1}}}}}}, default: {{set: {{q: 1}}}}}}}}
"""


def last(template: str, more: str = "") -> list[str]:
    """What is wrong with a step of which ``template`` is the prompt."""
    lines = [line for line in found(f"{STEPS}  last: {{prompt: '{template}'{more}}}\n") if "NF327" not in line]
    assert all(line.startswith("17:") for line in lines), lines
    return [line.removeprefix("17:") for line in lines]


@pytest.mark.parametrize(
    "template",
    [
        "{{ steps.triage.output.files }}",
        "{{ steps.triage.output.files[0].path }}",
        "{{ steps.triage.status }} {{ steps.triage.error.message }} {{ steps.text.cost_usd }} {{ steps.text.model }}",
        "{{ steps.each.output }} {{ steps.each.errors }}",
        "{{ steps.lint.output.stdout }} {{ steps.lint.output.exit_code }}",
        "{{ steps.ask.output.decision }} {{ steps.ask.output.input.anything }}",
        "{{ steps.made.output.a.b }} {{ steps.made.output.c.files }}",
        "{{ steps.group.output.two.z }}",
        "{{ steps.choice.output.p }} {{ steps.choice.output.q }} {{ steps.choice.case }}",
        "{{ inputs.diff }} {{ env.CI }} {{ run.id }} {{ run.started_at }} {{ run.status }}",
        "{% for f in steps.triage.output.files %}{{ f.path }}{% endfor %}",
    ],
)
def test_what_exists_may_be_named(template: str) -> None:
    assert last(template) == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ steps.triag.output }}", '28 NF304 there is no step "triag"'),
        ("{{ steps.triage.outputs }}", 'NF305 a step has no member "outputs"'),
        ("{{ steps.triage.files }}", 'NF305 a step has no member "files"'),
        ("{{ steps.triage.case }}", 'NF305 a step has no member "case"'),
        ("{{ steps.triage.output.fils }}", '42 NF305 "steps.triage.output" has no member "fils": it has "files"'),
        (
            "{{ steps.triage.output.files.path }}",
            'NF305 "steps.triage.output.files" is a list and has no member "path"',
        ),
        ("{{ steps.text.output.files }}", '40 NF305 "steps.text.output" is a text and has no member "files"'),
        ("{{ steps.lint.output.code }}", 'NF305 "steps.lint.output" has no member "code": it has "stdout", "stderr"'),
        ("{{ steps.each.output.stdout }}", 'NF305 "steps.each.output" is a list, one entry for each item'),
        ("{{ steps.made.output.a.x }}", 'NF305 "steps.made.output.a" has no member "x": it has "b"'),
        ("{{ steps.made.output.c.fils }}", 'NF305 "steps.made.output.c" has no member "fils"'),
        ("{{ steps.group.output.three }}", 'NF305 "steps.group.output" has no member "three": it has "one", "two"'),
        ("{{ steps.choice.output.r }}", 'NF305 "steps.choice.output" has no member "r": it has "p", "q"'),
        ("{{ steps.ask.output.answer }}", 'NF305 "steps.ask.output" has no member "answer"'),
        ("{{ steps.one.output }}", 'NF304 the step "one" is not in scope here'),
        ("{{ steps.last.output }}", 'NF310 "last" refers to itself before that has an output'),
        ("{{ inputs.dif }}", 'NF307 there is no input "dif"'),
        ("{{ inputs.diff.x }}", 'NF305 "inputs.diff" is a text and has no member "x"'),
        ("{{ env.HOME }}", '26 NF309 the variable "HOME" is not listed under "env"'),
        ("{{ run.name }}", 'NF305 "run" has no member "name": it has "id", "started_at", "status"'),
        ("{{ item }}", 'NF306 "item" is not known here: expected one of "env", "inputs", "run", "steps"'),
        ("{{ iteration }}", 'NF306 "iteration" is not known here'),
        ("{{ output }}", 'NF306 "output" is not known here'),
        ("{{ failure.message }}", 'NF306 "failure" is not known here'),
        ("{{ args.x }}", 'NF306 "args" is not known here'),
        ("{% for s in steps %}{% endfor %}", "NF4"),
        ("{{ inputs.token }}", 'NF308 the input "token" is secret'),
        ("{{ inputs }}", 'NF308 the input "token" is secret'),
    ],
)
def test_what_does_not_exist_is_named_at_its_place(template: str, expected: str) -> None:
    (line,) = last(template)
    assert expected in line


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ steps.triag.output }}", 'did you mean "triage"?'),
        ("{{ steps.nothing_like_it.output }}", "`steps.ID` names a step of this file"),
        ("{{ steps.triage.files }}", "write `steps.triage.output.files`"),
        ("{{ steps.triage.case }}", "only a `switch` has a case"),
        ("{{ steps.text.output.files }}", 'give "text" an `output_schema` that has it'),
        ("{{ steps.each.output.stdout }}", "write `steps.each.output[0].stdout`, "),
        ("{{ steps.one.output }}", 'it stands inside "group": the outside sees only `steps.group.output`'),
        ("{{ inputs.titel }}", "declare it: `inputs: {titel: {type: string}}`"),
        ("{{ env.HOME }}", "add it: `env: [CI, HOME]`"),
        ("{{ item }}", "only steps with `for_each`, and the steps inside them, have an item"),
        ("{{ needs.triage }}", "write `steps.ID.output`"),
    ],
)
def test_a_hint_says_what_to_type(template: str, hint: str) -> None:
    every = hints(f"{STEPS}  last: {{prompt: '{template}'}}\n")
    assert any(hint in text for text in every), every


def test_names_of_loops() -> None:
    good = """
    steps:
      a:
        for_each: [1, 2]
        as: number
        repeat: {until: output == number, max_iterations: 3}
        prompt: "{{ number }} {{ index }} {{ iteration }} {{ previous }}"
      b:
        repeat: {until: "round.iteration > 2 or steps.inner.output", max_iterations: 3, as: round}
        steps:
          inner:
            for_each: [{x: 1}, {x: 2}]
            prompt: "{{ item.x }} {{ round.iteration }} {{ round.previous }}"
    """
    assert found(good) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("for_each: [1]\n    as: n\n    prompt: '{{ item }}'", 'the item is called "n" here'),
        ("repeat: {max_iterations: 2, as: r}\n    prompt: '{{ iteration }}'", "write `r.iteration`"),
        ("repeat: {max_iterations: 2, as: r}\n    prompt: '{{ previous }}'", "write `r.previous`"),
    ],
)
def test_a_renamed_loop_is_explained(step: str, expected: str) -> None:
    assert hints(f"steps:\n  a:\n    {step}\n") == [expected]


def test_when_does_not_see_the_item() -> None:
    lines = found("steps:\n  a: {for_each: [1], when: item > 0, prompt: x}\n")
    assert lines == ['4:28 NF306 "item" is not known here: expected one of "env", "inputs", "run", "steps"']


def test_members_of_items_are_known() -> None:
    text = f"steps:\n  t: {{prompt: x, output_schema: {SCHEMA}}}\n  e:\n    for_each: steps.t.output.files\n"
    lines = found(text + '    prompt: "{{ item.pth }}"\n')
    assert lines == ['7:22 NF305 "item" has no member "pth": it has "path"']


def test_handlers_see_the_failure_and_the_steps() -> None:
    text = """
    steps: {a: {run: [ls]}}
    on_failure: {tell: {run: [echo, "{{ failure.class }} {{ failure.stp }} {{ steps.a.error.message }}"]}}
    """
    assert found(text) == ['4:65 NF305 "failure" has no member "stp": it has "step", "item", "class", "message"']
    plan = plan_of(text.replace("stp", "step"))
    assert plan.graph.on_failure is not None
    assert plan.graph.on_failure.steps[0].references == ()


def test_declared_tools_see_only_their_arguments() -> None:
    text = """
    tools:
      t:
        description: d
        parameters: {type: object, properties: {path: {type: string}}}
        run: [cat, "{{ args.path }}", "{{ args.pth }}", "{{ steps.a.output }}"]
      none: {description: d, run: [ls, "{{ args.x }}"]}
    steps: {a: {prompt: x}}
    """
    assert found(text) == [
        '7:44 NF305 "args" has no member "pth": it has "path"',
        '7:57 NF306 "steps" is not known here: expected one of "args", "env", "inputs", "run"',
        '8:45 NF305 "args" has no member "x"',
    ]


def test_servers_see_inputs_and_secrets_only() -> None:
    text = """
    inputs: {token: {type: string, secret: true}}
    tools:
      s: {mcp: {command: [x], env: {A: "{{ inputs.token }}", B: "${HOME}", C: "{{ inputs.tokn }}"}}}
      u: {mcp: {url: "https://x", headers: {H: "Bearer {{ inputs.token }} {{ steps.a.output }}"}}}
    steps: {a: {prompt: x}}
    """
    assert found(text) == [
        '5:86 NF307 there is no input "tokn"',
        '6:74 NF306 "steps" is not known here: expected one of "env", "inputs", "run"',
    ]


def test_secrets_may_stand_in_env_and_when() -> None:
    text = """
    inputs: {token: {type: string, secret: true}}
    steps:
      a: {when: inputs.token != "", run: [ls], env: {T: "{{ inputs.token }}"}}
      b: {needs: [a], run: [ls, "{{ inputs.token }}"]}
      c: {prompt: "{{ inputs | tojson }}"}
    outputs: "{{ inputs.token }}"
    """
    assert [line.split(" ", 2)[:2] for line in found(text)] == [["6:33", "NF308"], ["7:19", "NF308"], ["8:14", "NF308"]]


def test_what_stands_in_handlers_is_not_seen_by_steps() -> None:
    text = "steps: {a: {prompt: '{{ steps.h.output }}'}}\nfinally: {h: {prompt: x}}\n"
    assert found(text) == ['3:31 NF304 the step "h" is not in scope here']
    assert hints(text) == ["a handler's steps are seen only by the steps beside it"]


def test_what_the_outside_sees_of_other_kinds() -> None:
    text = """
    steps:
      t: {tool: read_file, output_schema: {properties: {a: {}}}}
      u: {tool: read_file}
      p: {wait: 1s}
      g: {steps: {i: {set: {}}}, outputs: {v: "{{ steps.i.output }}", w: {z: 1}}}
      e: {prompt: x, on_error: {output: {safe: 1}}, output_schema: {properties: {good: {}}}}
      k: {approve: {message: m, input: {properties: {q: {}}}}}
      l: {workflow: sub.yaml}
      last: {prompt: "{{ steps.t.output.b }}{{ steps.u.output.b }}{{ steps.p.output.b }}{{ steps.g.output.w.y }}"}
      more: {prompt: "{{ steps.e.output.safe }}{{ steps.e.output.good }}{{ steps.e.output.bad }}"}
      most: {prompt: "{{ steps.k.output.input.r }}{{ steps.l.output.anything }}"}
      item: {for_each: "{{ [1, 2] }}", prompt: "{{ item.anything }}"}
    """
    sub = {"sub.yaml": "nano_flow: 1\nname: s\nsteps: {a: {prompt: x}}\n"}
    assert [line.partition(" ")[2] for line in found(text, sub)] == [
        'NF305 "steps.t.output" has no member "b": it has "a"',
        'NF305 "steps.p.output" is null and has no member "b"',
        'NF305 "steps.g.output.w" has no member "y": it has "z"',
        'NF305 "steps.e.output" has no member "bad": it has "good", "safe"',
        'NF305 "steps.k.output.input" has no member "r": it has "q"',
    ]


def test_outputs_are_checked() -> None:
    text = "steps: {a: {prompt: x}}\noutputs: {a: '{{ steps.b.output }}', c: '{{ output.a }}', d: '{{ output.z }}'}\n"
    assert found(text) == [
        '4:24 NF304 there is no step "b"',
        '4:73 NF305 "output" has no member "z": it has "a"',
    ]


def test_a_reference_makes_the_step_wait() -> None:
    text = """
    steps:
      a: {prompt: x}
      b: {prompt: x}
      g:
        steps:
          deep: {steps: {inner: {prompt: "{{ steps.a.output }}"}}}
          next: {prompt: "{{ steps.deep.output }}"}
      c: {needs: [b], prompt: "{{ steps.g.output.next }} {{ steps.b.output }}"}
    """
    steps = {step.id: step for step in plan_of(text).graph.steps}
    assert steps["g"].references == ("a",)
    assert (steps["c"].needs, steps["c"].references) == (("b",), ("b", "g"))


def test_outputs_through_outputs_end() -> None:
    lines = ["steps:", "  s0: {set: {x: 1}}"]
    lines += [f"  s{n}: {{set: {{x: '{{{{ steps.s{n - 1}.output.x }}}}', y: 2}}}}" for n in range(1, 300)]
    lines += ["  near: {prompt: '{{ steps.s3.output.x.gone }}'}", "  far: {prompt: '{{ steps.s299.output.x.gone }}'}"]
    assert found("\n".join(lines)) == ['304:40 NF305 "steps.s3.output.x" is a number and has no member "gone"']


def test_lists_of_lists_of_references_end() -> None:
    lines = ["steps:", "  s0: {set: {x: [1]}}"]
    for n in range(1, 60):
        items = ", ".join(f"'{{{{ steps.s{n - 1}.output.x }}}}'" for _ in range(20))
        lines.append(f"  s{n}: {{set: {{x: [{items}]}}}}")
    assert found("\n".join(lines)) == []


def test_a_switch_with_many_cases_is_not_looked_into() -> None:
    cases = ", ".join(f"c{n}: {{set: {{v: 1}}}}" for n in range(60))
    text = f"inputs: {{k: {{type: string}}}}\nsteps:\n  s: {{switch: {{value: inputs.k, cases: {{{cases}}}}}}}\n"
    assert found(text + "  t: {prompt: '{{ steps.s.output.w }}'}\n") == []


def test_the_steps_as_a_whole_are_no_value() -> None:
    source = load_workflow("nano_flow: 1\nname: t\nsteps: {a: {prompt: x}}\n", "w.yaml")
    draft, _ = outline(Draft(source, context({}, ())))
    scope = Scope(draft)
    assert scope.resolve(("steps",), BODY, 0) == Lost(0, "steps")
    use = Use(check_template("{{ run.id }}", source.source.value_range(())), BODY, 0)
    assert explain(scope, use, ("steps",), Lost(0, "steps"))[0] == "NF304"


def test_a_text_of_a_list_has_no_members() -> None:
    assert found("steps: {a: {for_each: [x, y], prompt: '{{ item.z }}'}}\n") == [
        '3:48 NF305 "item" is a text and has no member "z"'
    ]


def test_a_loop_sees_the_steps_around_it_and_inside_it() -> None:
    text = """
    steps:
      a: {set: {n: 1}}
      g:
        repeat: {until: "steps.i.output.n > steps.a.output.n", max_iterations: 2}
        steps: {i: {set: {n: 2}}}
      h: {repeat: {until: steps.j.output, max_iterations: 2}, steps: {k: {set: {}}}}
    """
    assert found(text) == ['8:29 NF304 there is no step "j"']


def test_ten_thousand_slips_end_soon() -> None:
    lines = ["steps:", *(f"  s{n}: {{prompt: '{{{{ steps.x{n}.output }}}}'}}" for n in range(2000))]
    assert len(compile_text("\n".join(lines)).diagnostics) == 200
