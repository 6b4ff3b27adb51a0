"""The model that a template names, and a forced call of a tool that ends."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.plan.call_specs import ReplySpec
from nano_flow.plan.kinds.prompt import PlannedPrompt
from tests.plan.compiling import plan_of
from tests.runtime.kit import Kit, prompt, template, values
from tests.steps.tools import FakeTool, calls


def test_a_template_names_the_model_when_the_step_runs() -> None:
    step = prompt("a", "hi", ["v"])
    assert isinstance(step.spec, PlannedPrompt)
    named = replace(step, spec=replace(step.spec, model=template(" {{ steps.v.output.m }}\n")))
    kit = Kit()
    kit.run([values("v", m="openai/gpt-5"), named])
    assert kit.gateway.asked[0].route.model == "openai/gpt-5"
    other = Kit()
    other.run([values("v", m=""), named])
    assert other.gateway.asked[0].route.model == "auto"


def test_the_plan_keeps_the_template_and_routes_until_it_is_known() -> None:
    plan = plan_of("inputs: {m: {type: string}}\nsteps: {a: {prompt: x, model: '{{ inputs.m }}'}}\n")
    spec = plan.graph.steps[0].spec
    assert isinstance(spec, PlannedPrompt) and spec.model is not None
    assert (spec.model.source, spec.route.model) == ("{{ inputs.m }}", "auto")


def test_a_call_is_forced_until_one_was_served() -> None:
    kit = Kit()
    kit.toolbox.known = {"t": FakeTool("t")}
    kit.gateway.replies["a"] = [calls(("t", {})), calls(("t", {})), "done"]
    step = prompt("a", "go", tools=("t",), params={"tool_choice": "required", "seed": 1})
    kit.run([step])
    assert [ask.reply.params for ask in kit.gateway.asked] == [
        {"tool_choice": "required", "seed": 1},
        {"seed": 1},
        {"seed": 1},
    ]
    assert kit.gateway.asked[0].reply == ReplySpec(params={"tool_choice": "required", "seed": 1})


def test_the_long_form_of_a_forced_tool_is_its_name() -> None:
    plan = plan_of(
        "steps: {a: {prompt: x, tools: [read_file], params: {tool_choice: {tool: read_file}, extra: {k: 1}}}}"
    )
    spec = plan.graph.steps[0].spec
    assert isinstance(spec, PlannedPrompt)
    assert spec.reply.params == {"tool_choice": "read_file", "extra": {"k": 1}}
