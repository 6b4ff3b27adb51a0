"""Schemas and prompts that stand once under ``shared``; workspaces that runs get for themselves."""

from __future__ import annotations

import pytest

from nano_flow.plan.kinds.approve import PlannedApprove
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.plan import OwnWorkspace
from tests.plan.compiling import compile_text, found, plan_of

SHARED = """
shared:
  schemas:
    verdict: {type: object, properties: {ok: {type: boolean}}, required: [ok]}
    named: {file: s.json}
  prompts:
    judge: "Judge {{ run.id }}"
    long: {file: p.md}
tools:
  score: {description: d, parameters: {use: verdict}, run: [score]}
steps:
  a: {prompt: {use: judge}, output_schema: {use: verdict}}
  b: {prompt: {use: long}, output_schema: {use: named}}
  c: {approve: {message: m, input: {use: verdict}}}
  d: {run: [d], output_schema: {use: verdict}, needs: [a, b, c]}
"""


def test_what_is_shared_is_what_would_stand_there() -> None:
    files = {"s.json": '{"type": "object"}', "p.md": "Long {{ steps.a.output.ok }}"}
    plan = plan_of(SHARED, files)
    a, b, c, d = plan.graph.steps
    assert isinstance(a.spec, PlannedPrompt) and isinstance(b.spec, PlannedPrompt)
    assert (a.spec.prompt.source, a.spec.prompt.references) == ("Judge {{ run.id }}", (("run", "id"),))
    assert a.spec.reply.output_schema == plan.tools["score"].parameters
    assert isinstance(c.spec, PlannedApprove) and isinstance(d.spec, PlannedRun)
    assert c.spec.input_schema == d.spec.output_schema == a.spec.reply.output_schema
    assert b.spec.reply.output_schema == {"type": "object"} and b.references == ("a",)
    assert {"/project/s.json", "/project/p.md"} < set(plan.files)


def test_a_step_changes_with_the_prompt_that_it_uses() -> None:
    text = "shared: {{prompts: {{x: {0}}}}}\nsteps: {{a: {{prompt: {{use: x}}}}, b: {{prompt: other}}}}\n"
    before, after = (plan_of(text.format(words)).graph.steps for words in ("one", "two"))
    assert before[0].digest != after[0].digest and before[1].digest == after[1].digest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "shared: {prompts: {judge: hi}}\nsteps: {a: {prompt: {use: jugde}}, b: {prompt: {use: judge}}}\n",
            '4:27 NF340 "jugde" is not under `shared: {prompts: …}` of this file: there is "judge"',
        ),
        (
            "steps: {a: {prompt: hi, output_schema: {use: v}}}\n",
            '3:46 NF340 "v" is not under `shared: {schemas: …}` of this file: nothing stands there',
        ),
        (
            "shared: {schemas: {a: {use: b}, b: {type: object}}}\nsteps: {a: {prompt: hi, output_schema: {use: b}}}\n",
            "3:29 NF340 what is shared stands here itself",
        ),
        (
            "shared: {schemas: {v: {type: odd}}}\n"
            "steps: {a: {prompt: hi, output_schema: {use: v}}, b: {prompt: hi, output_schema: {use: v}}}\n",
            '3:30 NF316 "odd" is no JSON type: expected one of string, number, integer, boolean, object, array, null',
        ),
        (
            "shared: {prompts: {p: 'Say {{ item }}'}}\nsteps: {a: {prompt: {use: p}}}\n",
            '3:31 NF306 "item" is not known here: expected one of "env", "inputs", "run", "steps"',
        ),
    ],
)
def test_what_is_wrong_with_it_is_told_where_it_stands(text: str, expected: str) -> None:
    assert found(text) == [expected]


def test_what_nobody_uses_is_told() -> None:
    text = "shared: {prompts: {p: hi}, schemas: {s: {type: string}}}\nsteps: {a: {set: {x: 1}}}\n"
    told = [d for d in compile_text(text).diagnostics if d.code == "NF337"]
    assert [d.message for d in told] == ['nothing uses "p"', 'nothing uses "s"']


STEPS = "steps: {a: {run: [true]}}\n"


@pytest.mark.parametrize(
    ("written", "planned"),
    [
        ("fresh", OwnWorkspace()),
        ("{git: ../repo}", OwnWorkspace("/repo")),
        ("{git: ./repo, ref: v1.2}", OwnWorkspace("/project/repo", "v1.2")),
        ("{git: https://example.com/x.git}", OwnWorkspace("https://example.com/x.git", remote=True)),
        ("{git: git@example.com:x/y.git, ref: main}", OwnWorkspace("git@example.com:x/y.git", "main", remote=True)),
        ("{git: file:///srv/x.git}", OwnWorkspace("file:///srv/x.git")),
        ("./fresh", None),
    ],
)
def test_a_workspace_of_its_own(written: str, planned: OwnWorkspace | None) -> None:
    plan = plan_of(f"workspace: {written}\n{STEPS}")
    assert plan.own_workspace == planned
    assert plan.digest != plan_of(STEPS).digest


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{git: 'https://me:secret@example.com/x'}", "has a password in its address"),
        ("{git: 'ext::sh -c id'}", "is no address"),
        ("{git: '--upload-pack=x'}", "is no address"),
        ("{git: 'ftp://example.com/x'}", "has a scheme that is not fetched from"),
        ("{git: '{{ inputs.x }}'}", "takes no template"),
        ("{git: ./x, ref: --detach}", "is no name of a branch"),
        ("{git: ./x, ref: a..b}", "is no name of a branch"),
    ],
)
def test_an_address_that_git_is_not_given(written: str, words: str) -> None:
    (only,) = found(f"workspace: {written}\n{STEPS}")
    assert " NF313 " in only and words in only
