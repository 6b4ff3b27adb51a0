"""Files that a workflow names: prompts, schemas, other workflows; read once, confined, part of the digest."""

from __future__ import annotations

import pytest

from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.reading import confine
from nano_flow.plan.reading.confine import beside, within
from nano_flow.plan.reading.json_text import JsonFault, read_json
from tests.plan.compiling import compile_text, found, plan_of

PROMPT = "steps: {a: {prompt: {file: prompts/x.md}}}\n"


def test_a_prompt_from_a_file() -> None:
    plan = plan_of(PROMPT, {"prompts/x.md": "Review {{ run.id }}\n"})
    spec = plan.graph.steps[0].spec
    assert isinstance(spec, PlannedPrompt)
    assert (spec.prompt.source, spec.prompt.references) == ("Review {{ run.id }}\n", (("run", "id"),))
    assert sorted(plan.files) == ["/project/prompts/x.md", "/project/w.yaml"]
    assert all(digest.startswith("sha256:") for digest in plan.files.values())


def test_a_fault_in_a_prompt_file_stands_in_that_file() -> None:
    files = {"flows/prompts/x.md": "Hello\n{{ steps.gone.output }} {{ inputs.x | nosuch }}\n"}
    first, *_ = compile_text(PROMPT, files, file="flows/w.yaml").diagnostics
    assert str(first) == 'flows/prompts/x.md:2:39  error NF402  unknown filter "nosuch"'
    files = {"flows/prompts/x.md": "Hello\n{{ steps.gone.output }}\n"}
    (only,) = compile_text(PROMPT, files, file="flows/w.yaml").diagnostics
    assert str(only) == 'flows/prompts/x.md:2:10  error NF304  there is no step "gone"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../secret", '3:28 NF312 "../secret" leaves the project\'s folder'),
        ("a/../../secret", '3:28 NF312 "a/../../secret" leaves the project\'s folder'),
        ("../project-evil/x", '3:28 NF312 "../project-evil/x" leaves the project\'s folder'),
        ("/etc/passwd", '3:28 NF312 "/etc/passwd" is an absolute path: expected one relative to this file'),
        ("~/.ssh/id_rsa", '3:28 NF312 "~/.ssh/id_rsa" is in a home folder: expected a path relative to this file'),
        ("C:/x", '3:28 NF312 "C:/x" is an absolute path: expected one relative to this file'),
        ("'a\\b'", '3:28 NF312 "a\\\\b" is no path: expected names with forward slashes between them'),
        ('"a\\u0000b"', '3:28 NF312 "a\\x00b" is no path: expected names with forward slashes between them'),
        ("gone.md", '3:28 NF311 the file "gone.md" cannot be read: no such file or directory'),
    ],
)
def test_a_file_that_may_not_or_cannot_be_read(name: str, expected: str) -> None:
    assert found(f"steps: {{a: {{prompt: {{file: {name}}}}}}}\n") == [expected]


def test_a_file_that_several_steps_name_is_read_once() -> None:
    text = """
    defaults: {output_schema: {file: s.json}}
    steps:
      a: {prompt: {file: x.md}}
      b: {prompt: {file: x.md}}
    """
    a, b = plan_of(text, {"x.md": "hi", "s.json": "{}"}).graph.steps
    assert a.digest != b.digest  # the id counts
    assert a.spec.reply.output_schema == b.spec.reply.output_schema == {}  # type: ignore[union-attr]


def test_files_are_bounded_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "MOST_CHARACTERS", 10)
    assert found(PROMPT, {"prompts/x.md": "x" * 11}) == [
        '3:28 NF311 the file "prompts/x.md" is too long: at most 10 characters are read'
    ]

    class NotText(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            return b"\xff".decode("utf-8")

    assert found(PROMPT, NotText({"prompts/x.md": ""})) == ['3:28 NF311 the file "prompts/x.md" is no UTF-8 text']


def test_a_file_in_a_folder_above_but_inside_the_project() -> None:
    text = "steps: {a: {prompt: {file: ../shared/x.md}}}\n"
    assert plan_of(text, {"shared/x.md": "hi"}, file="flows/w.yaml").files.keys() >= {"/project/shared/x.md"}


SCHEMA = "steps: {a: {prompt: x, output_schema: {file: s.json}}, b: {prompt: '{{ steps.a.output.k }}'}}\n"


def test_a_schema_from_a_file() -> None:
    plan = plan_of(SCHEMA, {"s.json": '{"type": "object", "properties": {"k": {}}}'})
    spec = plan.graph.steps[0].spec
    assert isinstance(spec, PlannedPrompt)
    assert spec.reply.output_schema == {"type": "object", "properties": {"k": {}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", '3:46 NF311 "s.json" is no JSON: expecting property name enclosed in double quotes in line 1, column 2'),
        ("[" * 65 + "]" * 65, '3:46 NF311 "s.json" is no JSON: nested deeper than 64 levels'),
        ('{"a": 1, "a": 2}', '3:46 NF311 "s.json" is no JSON: the key "a" stands twice in one object'),
        ("[NaN]", '3:46 NF311 "s.json" is no JSON: NaN is no JSON number'),
        ("9" * 5000, '3:46 NF311 "s.json" is no JSON: a number has too many digits'),
        ("[1]", '3:46 NF316 "s.json" holds no JSON Schema: expected an object, found [1]'),
        (
            '{"properties": {"k": {"pattern": "("}}}',
            '3:46 NF317 in s.json at properties.k.pattern: the pattern "(" cannot be used: a "(" without ")"',
        ),
    ],
)
def test_a_schema_file_that_is_none(text: str, expected: str) -> None:
    assert expected in found(SCHEMA, {"s.json": text})


def test_a_schema_that_cannot_be_read_admits_everything() -> None:
    assert found(SCHEMA) == ['3:46 NF311 the file "s.json" cannot be read: no such file or directory']


def test_brackets_in_texts_are_no_depth() -> None:
    assert read_json('{"a": "' + "[" * 100 + '\\"{"}') == {"a": "[" * 100 + '"{'}
    with pytest.raises(JsonFault):
        read_json("")


def test_names_of_files() -> None:
    assert [beside(*pair) for pair in (("w.yaml", "./a.md"), ("f/w.yaml", "../a.md"), ("../w.yaml", "../a"))] == [
        "a.md",
        "a.md",
        "../../a",
    ]
    assert beside("/x/w.yaml", "y//a.md") == "/x/y/a.md"
    assert (within("/a", "/"), within("/ab", "/a"), within("/a", "/a/"), within("/a/b", "/a")) == (
        True,
        False,
        True,
        True,
    )


SUB = """nano_flow: 1
name: sub
inputs: {n: {type: integer}, t: {type: string, default: x}, l: {enum: [a, b], default: a}}
steps: {s: {set: {v: "{{ inputs.n }}"}}}
outputs: {v: "{{ steps.s.output.v }}"}
"""


def test_a_sub_workflow_is_compiled_and_its_outputs_are_known() -> None:
    text = "steps: {a: {workflow: sub.yaml, with: {n: 3}}, b: {prompt: '{{ steps.a.output.v }}'}}\n"
    spec = plan_of(text, {"sub.yaml": SUB}).graph.steps[0].spec
    assert isinstance(spec, PlannedWorkflow)
    assert (spec.plan.name, spec.inputs, spec.plan.file) == ("sub", {"n": 3}, "sub.yaml")
    assert found(text.replace("output.v", "output.w"), {"sub.yaml": SUB}) == [
        '3:79 NF305 "steps.a.output" has no member "w": it has "v"'
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", '3:9 NF322 "sub" also wants "n"'),
        (", with: {t: y}", '3:33 NF322 "sub" also wants "n"'),
        (", with: {n: 1, m: 2}", '3:46 NF322 "sub" has no input "m": its inputs are "n", "t", "l"'),
        (", with: {n: one}", '3:43 NF322 the input "n" of "sub" must be an integer, found "one"'),
        (", with: {n: 1.5}", '3:43 NF322 the input "n" of "sub" must be an integer, found 1.5'),
        (", with: {n: true}", '3:43 NF322 the input "n" of "sub" must be an integer, found true'),
        (", with: {n: 'a{{ run.id }}'}", '3:43 NF322 the input "n" of "sub" must be an integer, and a template'),
        (", with: {n: 1, l: c}", '3:49 NF322 the input "l" of "sub" must be one of "a", "b", found "c"'),
    ],
)
def test_inputs_of_a_sub_workflow_are_checked(given: str, expected: str) -> None:
    (line,) = found(f"steps: {{a: {{workflow: sub.yaml{given}}}}}\n", {"sub.yaml": SUB})
    assert line.startswith(expected)


def test_recursion_is_refused_with_its_path() -> None:
    files = {"b.yaml": "nano_flow: 1\nname: b\nsteps: {x: {workflow: w.yaml}}\n"}
    (diagnostic,) = compile_text("steps: {a: {workflow: b.yaml}}\n", files).diagnostics
    assert str(diagnostic) == "b.yaml:3:23  error NF321  a workflow that calls itself: w.yaml → b.yaml → w.yaml"
    assert found("steps: {a: {workflow: ./w.yaml}}\n") == ["3:23 NF321 a workflow that calls itself: w.yaml → w.yaml"]


def test_workflows_call_each_other_only_so_deep() -> None:
    files = {f"f{n}.yaml": f"nano_flow: 1\nname: f\nsteps: {{a: {{workflow: f{n + 1}.yaml}}}}\n" for n in range(1, 40)}
    (line,) = found("steps: {a: {workflow: f1.yaml}}\n", files)
    assert line.endswith("NF321 workflows call each other more than 32 levels deep")


def test_a_sub_workflow_that_is_bad_or_gone() -> None:
    text = "steps: {a: {workflow: sub.yaml}, b: {workflow: sub.yaml}}\n"
    assert found(text) == [
        '3:23 NF311 the workflow "sub.yaml" cannot be read: no such file or directory',
        '3:48 NF311 the workflow "sub.yaml" cannot be read: no such file or directory',
    ]
    bad = {"sub.yaml": "nano_flow: 1\nname: s\nsteps: {a: {promt: x}}\n"}
    assert [str(d).partition("  ")[0] for d in compile_text(text, bad).diagnostics] == ["sub.yaml:3:13"]
    assert found("steps: {a: {workflow: ../sub.yaml}}\n")[0].startswith("3:23 NF312")


def test_a_file_is_compiled_once() -> None:
    reads: list[str] = []

    class Counting(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            reads.append(name)
            return super().__getitem__(name)

    text = "steps: {a: {workflow: sub.yaml, with: {n: 1}}, b: {workflow: sub.yaml, with: {n: 2}}}\n"
    a, b = plan_of(text, Counting({"sub.yaml": SUB})).graph.steps
    assert reads == ["sub.yaml"]
    assert a.spec.plan is b.spec.plan  # type: ignore[union-attr]
