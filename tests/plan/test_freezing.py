"""The frozen plan: every field of the document arrives, with its default; digests say what changed."""

from __future__ import annotations

import pytest

from nano_flow.core.money import Money
from nano_flow.plan.kinds.approve import PlannedApprove
from nano_flow.plan.kinds.finish import PlannedFinish
from nano_flow.plan.kinds.prompt import PlannedCheck, PlannedPrompt
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.table import Spec
from nano_flow.plan.kinds.tool import PlannedTool
from nano_flow.plan.kinds.wait import PlannedWait
from nano_flow.plan.plan import (
    PlannedBudget,
    PlannedForEach,
    PlannedInput,
    PlannedLimits,
    PlannedRepeat,
    PlannedRetry,
    PlannedStep,
)
from nano_flow.source.expressions import Template
from tests.plan.compiling import plan_of


def first(step: str, head: str = "") -> PlannedStep:
    return plan_of(f"{head}steps:\n  a: {{{step}}}\n").graph.steps[0]


def source(template: Template | None) -> str:
    assert template is not None
    return template.source


def test_a_prompt_with_everything() -> None:
    spec = first(
        "prompt: x, system: s, model: openai/large, policy: private, provider: openai, complexity: {at_least: 2}, "
        "fallback: [openai/mini], tools: [read_file], max_turns: 3, output_schema: {type: object}, "
        "max_output_tokens: 2k, params: {seed: 1, stop: [a]}, attachments: [a.png], cache: 1h, "
        "verify: [{check: output, message: m}, {judge: j, at_least: 0.7, model: simple}, {run: [x]}], "
        "repair: {max_attempts: 3, escalate: true}"
    ).spec
    assert isinstance(spec, PlannedPrompt)
    assert (source(spec.prompt), source(spec.system), spec.route.model, spec.route.policy) == (
        "x",
        "s",
        "openai/large",
        "private",
    )
    assert (spec.route.providers, spec.route.complexity_at_least, spec.route.complexity) == (("openai",), 2, None)
    assert (spec.route.fallback, spec.tools, spec.max_turns) == (("openai/mini",), ("read_file",), 3)
    assert (spec.reply.output_schema, spec.reply.max_output_tokens) == ({"type": "object"}, 2000)
    assert (spec.reply.params, [a.source for a in spec.attachments]) == ({"seed": 1, "stop": ["a"]}, ["a.png"])
    assert (spec.cache, spec.cache_ttl_s, spec.repair_attempts, spec.repair_escalate) == (True, 3600.0, 3, True)
    check, judge, run = spec.verify
    assert (source(check.check), source(check.message)) == ("output", "m")
    assert (source(judge.judge), judge.at_least, judge.model) == ("j", 0.7, "simple")
    assert run.run is not None and [a.source for a in run.run.argv] == ["x"]


def test_a_bare_prompt_has_the_defaults() -> None:
    step = first("prompt: x")
    assert isinstance(step.spec, PlannedPrompt)
    assert step.spec == PlannedPrompt(step.spec.prompt)
    assert (step.trigger_rule, step.on_error, step.path, step.kind) == ("all_success", "fail", "a", "prompt")
    assert (step.where.line, step.where.column) == (4, 6)


@pytest.mark.parametrize(
    ("written", "fallback"),
    [("openai", "openai"), ("openai/mini", ("openai/mini",)), ("false", False), ("[ollama/x]", ("ollama/x",))],
)
def test_fallbacks(written: str, fallback: object) -> None:
    spec = first(f"prompt: x, fallback: {written}").spec
    assert isinstance(spec, PlannedPrompt) and spec.route.fallback == fallback


@pytest.mark.parametrize(
    ("written", "cache"),
    [("cache: true", (True, None)), ("cache: false", (False, None)), ("complexity: 3", (False, None))],
)
def test_cache_and_complexity(written: str, cache: tuple[bool, float | None]) -> None:
    spec = first(f"prompt: x, {written}").spec
    assert isinstance(spec, PlannedPrompt)
    assert (spec.cache, spec.cache_ttl_s) == cache
    assert spec.route.complexity == (3 if "complexity" in written else None)


def test_what_any_step_may_say() -> None:
    step = first(
        "set: {v: 1}, description: d, tags: [LAW], when: run.id, for_each: [1, '{{ run.id }}'], as: n, "
        "max_parallel: 2, max_items: 5, on_item_failure: cancel, "
        "repeat: {until: output.v, max_iterations: 3, every: 1s, as: r, "
        "on_exhausted: continue}, retry: {max_attempts: 2, backoff: fixed, delay: 2s, max_delay: 5s, errors: [tool]}, "
        "timeout: 5s, budget: {usd: 0.5, tokens: 1k}, on_error: {output: {a: '{{ run.id }}'}}"
    )
    assert (step.description, step.tags, source(step.when), step.timeout_s) == ("d", ("law",), "run.id", 5.0)
    each, loop = step.for_each, step.repeat
    assert each is not None and isinstance(each.over, list) and each.over[0] == 1
    assert each == PlannedForEach(each.over, "n", 2, 5, "cancel")
    assert loop == PlannedRepeat(loop.until if loop else None, 3, 1.0, "r", "continue")
    assert step.retry == PlannedRetry(2, "fixed", 2.0, 5.0, ("tool",))
    assert step.budget == PlannedBudget(Money(500_000_000), 1000)
    assert step.on_error == "output" and isinstance(step.on_error_output, dict)
    assert first("set: {}, retry: {max_attempts: 2}, on_error: continue").retry == PlannedRetry(2)


def test_every_kind_of_step() -> None:
    plan = plan_of(
        """
        steps:
          run: {run: [echo, 1], cwd: c, stdin: i, env: {A: 1}, output_schema: {type: object}}
          script: {needs: [run], run: "echo $A", shell: "bash -e"}
          tool: {tool: read_file, with: {path: "{{ run.id }}"}}
          ask: {approve: {message: m, input: {type: object}, timeout: 1h, on_timeout: reject}}
          way: {switch: {value: run.id, cases: {x: {set: {}}}, default: {wait: 1s}}}
          group: {steps: {in: {finish: done}}, outputs: {v: 1}, on_failure: {h: {fail: no}}}
          pause: {wait: "{{ run.id }}"}
        """
    )
    specs: dict[str, Spec] = {step.id: step.spec for step in plan.graph.steps}
    run, script, tool, ask = specs["run"], specs["script"], specs["tool"], specs["ask"]
    assert isinstance(run, PlannedRun) and isinstance(script, PlannedRun)
    assert ([a.source for a in run.argv], source(run.cwd), source(run.stdin)) == (["echo", "1"], "c", "i")
    assert (source(run.env["A"]), run.output_schema, run.script) == ("1", {"type": "object"}, None)
    assert (script.script, script.shell, script.argv) == ("echo $A", ("bash", "-e", "-c"), ())
    assert isinstance(tool, PlannedTool) and isinstance(tool.arguments, dict)
    assert isinstance(ask, PlannedApprove) and ask.options == ("approve", "reject")
    assert (ask.timeout_s, ask.on_timeout, ask.input_schema) == (3600.0, "reject", {"type": "object"})
    way, group, pause = specs["way"], specs["group"], specs["pause"]
    assert isinstance(way, PlannedSwitch) and way.default is not None
    assert {(case.id, case.path) for case in (*way.cases.values(), way.default)} == {("way", "way")}
    assert way.default.spec == PlannedWait(1.0)
    assert isinstance(group, PlannedGroup) and group.graph.has_outputs and group.graph.outputs == {"v": 1}
    assert group.graph.steps[0].path == "group.in" and isinstance(group.graph.steps[0].spec, PlannedFinish)
    assert group.graph.on_failure is not None and group.graph.on_failure.steps[0].path == "group.h"
    assert isinstance(pause, PlannedWait) and isinstance(pause.duration, Template)


def test_the_file_itself() -> None:
    plan = plan_of(
        """
        description: what it is for
        inputs:
          a: {type: string}
          b: {type: string, enum: [x], default: null}
          c: {type: [integer], default: null, secret: true}
          d: {type: "null", default: null}
          f: {type: [string, "null"], enum: [x, null], default: null}
          e: {type: integer, default: 3}
        env: [CI]
        limits:
          budget: {usd: 0.5, tokens: 4k, warn_at: 0.8, downgrade_at: 0.9, on_exceed: pause}
          timeout: 1m
          max_parallel: 2
          steps: 10
          finally: {usd: 0.1, timeout: 5s}
        workspace: sub
        tools:
          s: {mcp: {command: [x], env: {T: "${T}"}}}
          u: {mcp: {url: "https://x", headers: {A: b}}}
          run_command: {allow: [git]}
          t: {description: d, run: [x], timeout: 3s}
        steps: {s1: {prompt: x}}
        outputs: "{{ steps.s1.output }}"
        """
    )
    assert (plan.description, plan.env, plan.workspace) == ("what it is for", ("CI",), "/project/sub")
    assert plan.limits == PlannedLimits(
        PlannedBudget(Money(500_000_000), 4000, 0.8, 0.9, "pause"), 60.0, 2, 10, Money(100_000_000), 5.0
    )
    schemas = {name: item.schema for name, item in plan.inputs.items()}
    assert schemas["b"] == {"type": ["string", "null"], "enum": ["x", None]}
    assert (schemas["c"], schemas["d"]) == ({"type": ["integer", "null"]}, {"type": "null"})
    assert plan.inputs["a"] == PlannedInput("a", {"type": "string"}, required=True, where=plan.inputs["a"].where)
    assert (plan.inputs["e"].default, plan.inputs["e"].required, plan.inputs["c"].secret) == (3, False, True)
    kinds = {name: tool.kind for name, tool in plan.tools.items()}
    assert kinds == {"s": "mcp", "u": "mcp", "run_command": "allow", "t": "command"}
    assert plan.tools["s"].env == {"T": "${T}"} and plan.tools["u"].headers == {"A": "b"}
    assert plan.tools["t"].parameters["additionalProperties"] is False and plan.tools["t"].timeout_s == 3.0
    assert plan_of("limits: {timeout: 1m}\nsteps: {a: {prompt: x}}\n").limits == PlannedLimits(timeout_s=60.0)


def test_defaults_fill_what_steps_do_not_say() -> None:
    plan = plan_of(
        """
        defaults: {system: s, timeout: 1m, retry: {max_attempts: 2}, params: {seed: 1}, model: simple}
        steps:
          a: {prompt: x, model: complex, timeout: 2m}
          r: {run: [x]}
          t: {tool: read_file}
          g: {steps: {inner: {prompt: x}}}
        """
    )
    a, r, t, g = plan.graph.steps
    assert isinstance(a.spec, PlannedPrompt)
    assert (a.spec.route.model, source(a.spec.system), a.spec.reply.params, a.timeout_s) == (
        "complex",
        "s",
        {"seed": 1},
        120.0,
    )
    assert a.retry == PlannedRetry(2)
    assert (r.timeout_s, r.retry, t.timeout_s, g.timeout_s) == (60.0, None, 60.0, None)
    assert isinstance(g.spec, PlannedGroup)
    inner = g.spec.graph.steps[0]
    assert isinstance(inner.spec, PlannedPrompt) and (inner.spec.route.model, inner.timeout_s) == ("simple", 60.0)
    only_prompts = plan_of("defaults: {model: simple}\nsteps: {r: {run: [x]}}\n")
    assert only_prompts.graph.steps[0].timeout_s is None


def test_a_template_of_the_defaults_is_found_there() -> None:
    step = first("prompt: x", 'defaults: {system: "at {{ run.id }}"}\n')
    assert isinstance(step.spec, PlannedPrompt) and step.spec.system is not None
    assert (step.spec.system.where.line, step.spec.system.where.column) == (3, 20)


BASE = """
inputs: {x: {type: string}}
steps:
  a: {prompt: "{{ inputs.x }}", timeout: 120s}
  b: {needs: [a], steps: {c: {run: [ls]}}}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("steps:", "# a comment\nsteps:"),
        ("timeout: 120s", "timeout: 2m"),
        ("timeout: 120s", "timeout: 120s, description: words"),
        ("inputs:", "description: words\ninputs:"),
        ("needs: [a], steps: {c: {run: [ls]}}", "steps: {c: {run: [ls]}}, needs: a"),
    ],
)
def test_what_does_nothing_leaves_the_digest(before: str, after: str) -> None:
    assert plan_of(BASE.replace(before, after)).digest == plan_of(BASE).digest


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("inputs.x", "inputs.x ", {"a"}),
        ("120s", "121s", {"a"}),
        ("needs: [a], ", "", {"b"}),
        ("[ls]", "[ls, -l]", {"b"}),
        ("steps:\n", "env: [CI]\nsteps:\n", set[str]()),
        ("steps:\n", "limits: {max_parallel: 2}\nsteps:\n", set[str]()),
        ("type: string", "type: integer", set[str]()),
        ("steps:\n", "tools: {run_command: {allow: [git]}}\nsteps:\n", set[str]()),
        ("steps:\n", "outputs: {}\nsteps:\n", set[str]()),
        ("steps:\n", "finally: {z: {set: {}}}\nsteps:\n", set[str]()),
    ],
)
def test_what_does_something_changes_it(before: str, after: str, changed: set[str]) -> None:
    old, new = plan_of(BASE), plan_of(BASE.replace(before, after))
    assert new.digest != old.digest and new.digest.startswith("sha256:")
    pairs = zip(old.graph.steps, new.graph.steps, strict=True)
    assert {one.id for one, other in pairs if one.digest != other.digest} == changed


def test_a_check_is_one_of_three() -> None:
    assert PlannedCheck() == PlannedCheck(None, None, None, 0.5, None, None)


def test_a_description_of_a_tool_counts_and_a_sub_workflow_by_its_digest() -> None:
    text = "tools: {t: {description: one, run: [x]}}\nsteps: {s: {workflow: sub.yaml}}\n"
    sub = "nano_flow: 1\nname: s\nsteps: {a: {prompt: x}}\n"
    base = plan_of(text, {"sub.yaml": sub})
    assert plan_of(text.replace("one", "two"), {"sub.yaml": sub}).digest != base.digest
    other = plan_of(text, {"sub.yaml": sub.replace("prompt: x", "prompt: y")})
    assert other.graph.steps[0].digest != base.graph.steps[0].digest
