"""Plans with their cost: bounds by branches, lists, loops, turns and fallbacks; likely figures by earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nano_flow.core.events import CallFailed, CallFinished, NoticeGiven, StepSkipped, StepStarted
from nano_flow.core.messages import ChatReply, Json, Usage
from nano_flow.core.money import money
from nano_flow.pricing.forecast.estimate import StepEstimate
from nano_flow.pricing.forecast.history import StepHistory, history, step_path, uses_of_run
from nano_flow.pricing.forecast.spread import NOTHING, Spread, Times, total
from nano_flow.project.money.estimating import Circumstance, PlanReport, plan_report
from nano_flow.project.money.known import KnownInputs, known_inputs
from nano_flow.project.opening import open_workflow
from nano_flow.project.preparing import RunOptions

NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
PROVIDERS = """
nano_flow: 1
providers:
  a:
    litellm: openai
    credentials: [A_KEY]
    models:
      cheap: {context_window: 10k, max_output_tokens: 1k, can: [tools, json_schema]}
      dear: {context_window: 10k, max_output_tokens: 1k, can: [tools, json_schema]}
  free:
    litellm: ollama_chat
    open: true
"""
ROUTING = """
nano_flow: 1
complexity:
  base: 1
  signals: [{name: hard, match: [hard], points: 5}]
tiers:
  low: {below: 3, models: [a/cheap]}
  high: {models: [a/dear]}
policies: {default: {choose: first}}
fallback: {attempts: 2}
"""
PRICING = """
nano_flow: 1
models:
  a/cheap: [{from: 2025-01-01, input: 1, output: 10}]
  a/dear: [{from: 2025-01-01, input: 10, output: 100}]
"""


class Projects:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in (("providers", PROVIDERS), ("routing", ROUTING), ("pricing", PRICING)):
            (folder / f"{name}.yaml").write_text(text)

    def report(
        self,
        steps: str,
        *,
        head: str = "",
        inputs: Mapping[str, Json] | None = None,
        earlier: Mapping[str, StepHistory] | None = None,
        options: RunOptions | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> PlanReport:
        path = self.folder / "w.yaml"
        path.write_text(f"nano_flow: 1\nname: w\n{head}\nsteps:\n{steps}")
        opened = open_workflow(str(path), self.folder)
        known = KnownInputs(known_inputs(opened.plan, inputs or {}))
        environ = {"A_KEY": "x"} if keys is None else keys
        return plan_report(
            opened.plan, opened.policies, Circumstance(options or RunOptions(), NOW, environ, known, earlier or {})
        )

    def step(self, steps: str, path: str, **more: object) -> StepEstimate:
        found = self.report(steps, **more).estimate.steps  # type: ignore[arg-type]
        return next(step for step in found if step.visit.path == path)


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path)


PROMPT = "prompt: Say hello, model: a/cheap, fallback: false, max_output_tokens: 100"


def test_a_single_prompt_is_bounded_by_its_text_its_cap_and_its_attempts(projects: Projects) -> None:
    step = projects.step(f"  s: {{{PROMPT}}}", "s")
    assert step.times == Times(1, 1.0, 1)
    (way,) = step.route.ask.ways
    assert [choice.ref.model for choice in way] == ["cheap"] and step.route.ask.attempts == 2
    assert step.output_tokens.high == 2 * 100
    assert step.cost.high is not None and step.cost.likely is not None
    assert 2 * 100 * 10_000 < step.cost.high < 2 * 100 * 10_000 + 2 * 500 * 1000
    assert 0 < step.cost.low < step.cost.likely < step.cost.high


def test_a_cascade_expects_its_samples_and_is_bounded_by_all_of_its_replies(projects: Projects) -> None:
    plain = projects.step("  s: {prompt: Say hello}", "s")
    (projects.folder / "routing.yaml").write_text(
        ROUTING + "cascade:\n  tiers: [low, high]\n  samples: 3\n  escalate_at: 5\n"
        "  signals: [{name: disagreement, feature: agreement, curve: [[0, 8], [1, 0]]}]\n"
    )
    sampled = projects.step("  s: {prompt: Say hello}", "s")
    assert plain.cost.likely is not None and sampled.cost.likely == 3 * plain.cost.likely
    assert (sampled.route.ask.rounds, sampled.route.ask.samples) == (4, 3)
    assert sampled.output_tokens.low == plain.output_tokens.low
    pinned = projects.step(f"  s: {{{PROMPT}}}", "s")
    assert (pinned.route.ask.rounds, pinned.route.ask.samples) == (1, 1)


def test_an_unknown_prompt_may_fill_the_window(projects: Projects) -> None:
    head = "inputs: {x: {type: string}}"
    prompt = PROMPT.replace("Say hello", '"{{ inputs.x }}"')
    unknown = projects.step(f"  s: {{{prompt}}}", "s", head=head)
    known = projects.step(f"  s: {{{prompt}}}", "s", head=head, inputs={"x": "hello"})
    assert unknown.input_tokens.high == 2 * 10_000
    assert known.input_tokens.high is not None and known.input_tokens.high < 2 * 500


def test_a_prompt_of_replies_is_bounded_by_their_caps(projects: Projects) -> None:
    first = f"  one: {{{PROMPT}}}\n"
    second = PROMPT.replace("Say hello", '"Short: {{ steps.one.output }}"')
    step = projects.step(f"{first}  two: {{{second}}}", "two")
    assert step.input_tokens.high is not None
    assert 2 * 400 < step.input_tokens.high < 2 * (400 + 300)


@pytest.mark.parametrize(
    ("extra", "times"),
    [
        ("when: true", Times(1, 1.0, 1)),
        ("when: false", Times(0, 0.0, 0)),
        ("when: inputs.maybe", Times(0, 1.0, 1)),
        ("when: inputs.sure", Times(1, 1.0, 1)),
        ("for_each: [a, b, c]", Times(3, 3.0, 3)),
        ("for_each: [a, b, c], max_items: 3, repeat: {max_iterations: 4, until: output == 'x'}", Times(3, 7.5, 12)),
        ("for_each: inputs.list, max_items: 7", Times(0, 5.0, 7)),
        ("for_each: inputs.list, max_items: 3", Times(0, 3.0, 3)),
        ("for_each: steps.list.output.names", Times(0, 2.0, 2)),
        ("repeat: {max_iterations: 4}", Times(4, 4.0, 4)),
        ("needs: [list], trigger_rule: one_failed", Times(0, 0.0, 1)),
        ("retry: {max_attempts: 5}", Times(1, 1.0, 1)),
    ],
)
def test_how_often_a_step_is_executed(projects: Projects, extra: str, times: Times) -> None:
    head = "inputs: {maybe: {type: boolean}, sure: {type: boolean, default: true}, list: {type: array}}"
    schema = "{type: object, properties: {names: {type: array, maxItems: 2}}, required: [names]}"
    steps = f"  list: {{{PROMPT}, output_schema: {schema}}}\n  s: {{{PROMPT}, {extra}}}"
    if "retry" in extra:
        step = projects.step(steps, "s", head=head)
        assert step.route.ask.attempts == 5
    assert projects.step(steps, "s", head=head).times == times


def test_groups_branches_handlers_and_sub_workflows_multiply(projects: Projects) -> None:
    (projects.folder / "sub.yaml").write_text(
        "nano_flow: 1\nname: sub\ninputs: {items: {type: array}}\n"
        f"steps: {{inner: {{{PROMPT}, for_each: inputs.items}}}}"
    )
    steps = f"""
  group:
    for_each: [1, 2]
    retry: {{max_attempts: 3}}
    steps:
      deep: {{{PROMPT}, repeat: {{max_iterations: 5}}}}
  route:
    switch:
      value: inputs.kind
      cases: {{bug: {{{PROMPT}}}, other: {{steps: {{case_step: {{{PROMPT}}}}}}}}}
  known:
    switch:
      value: "'two'"
      cases: {{one: {{steps: {{never: {{{PROMPT}}}}}}}, two: {{steps: {{always: {{{PROMPT}}}}}}}}}
  sub: {{workflow: ./sub.yaml, with: {{items: [1, 2, 3]}}}}
on_failure: {{tell: {{{PROMPT}}}}}
finally: {{clean: {{{PROMPT}}}}}
"""
    found = projects.report(steps, head="inputs: {kind: {type: string}}").estimate.steps
    times = {step.visit.path: step.times for step in found}
    assert times["group"] == Times(2, 2.0, 6)
    assert times["group.deep"] == Times(10, 10.0, 30)
    assert times["route.case_step"] == Times(0, 0.5, 1)
    assert times["known.always"] == Times(1, 1.0, 1) and "known.never" not in times
    assert times["sub.inner"] == Times(3, 3.0, 3)
    assert (times["tell"], times["clean"]) == (Times(0, 0.0, 1), Times(1, 1.0, 1))


def test_executions_are_bounded_by_the_limit_on_steps(projects: Projects) -> None:
    step = projects.step(
        f"  s: {{{PROMPT}, for_each: inputs.l, max_items: 1000}}",
        "s",
        head="inputs: {l: {type: array}}\nlimits: {steps: 20}",
    )
    assert step.times.high == 20


def test_turns_repairs_and_judges_are_in_the_high_bound(projects: Projects) -> None:
    plain = projects.step(f"  s: {{{PROMPT}}}", "s").output_tokens.high
    schema = projects.step(f"  s: {{{PROMPT}, output_schema: {{type: object}}, repair: {{max_attempts: 3}}}}", "s")
    tools = projects.step(f"  s: {{{PROMPT}, tools: [read_file], max_turns: 7}}", "s")
    judged = projects.step(f"  s: {{{PROMPT}, verify: [{{judge: Good?, model: a/dear}}]}}", "s")
    assert plain == 200
    assert schema.output_tokens.high == 4 * 200
    assert tools.output_tokens.high == 7 * 200
    assert len(judged.route.judges) == 1
    assert judged.output_tokens.high == 3 * 200 + 3 * 2 * 1000


def test_a_routed_prompt_that_is_not_known_may_end_in_any_tier(projects: Projects) -> None:
    head = "inputs: {x: {type: string}}"
    step = projects.step('  s: {prompt: "{{ inputs.x }}"}', "s", head=head)
    assert step.route.ask.first is not None and step.route.ask.first.ref.model == "cheap"
    assert {choice.ref.model for way in step.route.ask.ways for choice in way} == {"cheap", "dear"}
    hard = projects.step('  s: {prompt: "{{ inputs.x }}", fallback: false}', "s", head=head, inputs={"x": "hard"})
    assert [[choice.ref.model for choice in way] for way in hard.route.ask.ways] == [["dear"]]


def test_a_steps_own_budget_bounds_it(projects: Projects) -> None:
    step = projects.step(f"  s: {{{PROMPT}, budget: {{usd: 0.0001}}, for_each: [1, 2]}}", "s")
    assert step.cost.high == money("0.0002")


def test_a_budget_fits_only_if_no_run_can_exceed_it(projects: Projects) -> None:
    report = projects.report(f"  s: {{{PROMPT}}}")
    high = report.estimate.cost.high
    assert high is not None
    assert [report.estimate.fits(budget) for budget in (None, high, high - 1)] == [None, True, False]


def test_a_free_model_costs_nothing_whatever_it_reads(projects: Projects) -> None:
    pricing = projects.folder / "pricing.yaml"
    pricing.write_text(pricing.read_text() + "  free/*: free\n")
    head = "inputs: {x: {type: string}}"
    step = projects.step('  s: {prompt: "{{ inputs.x }}", model: free/m, fallback: false}', "s", head=head)
    assert step.cost == Spread(0, 0, 0) and step.input_tokens.high is None


def test_an_unpriced_model_has_no_cost_and_says_so(projects: Projects) -> None:
    report = projects.report("  s: {prompt: x, model: free/m, fallback: false}")
    (step,) = report.estimate.steps
    assert step.unpriced == "free/m"
    assert step.cost == Spread(0, None, None) and report.estimate.unpriced
    assert report.estimate.fits(1) is False


def test_without_keys_the_plan_shows_what_would_be_with_them(projects: Projects) -> None:
    report = projects.report(f"  s: {{{PROMPT}}}", keys={})
    assert report.obstacles == ("keys",)
    assert report.decisions[0] is not None and str(report.decisions[0].model) == "a/cheap"


def test_a_budget_that_pays_for_no_call_is_named_and_the_step_estimated_all_the_same(projects: Projects) -> None:
    report = projects.report(f"  s: {{{PROMPT}}}", head="limits: {budget: {usd: 0.000001}}")
    assert report.obstacles == ("budget",)
    assert report.estimate.cost.likely is not None and report.estimate.fits(report.budget) is False


def test_a_step_that_nobody_can_serve_has_no_model(projects: Projects) -> None:
    prompt = "  s: {prompt: x, model: a/cheap, fallback: false}"
    report = projects.report(prompt, options=RunOptions(provider="free"))
    assert report.decisions[0] is not None and report.decisions[0].model is None
    assert report.estimate.steps[0].cost.likely is None


def call(address: str, model: str, usage: Usage) -> CallFinished:
    reply = ChatReply("x", "stop", usage)
    return CallFinished(0.0, address, 0, 0, model, "auto", "f", reply, 1.0, None)


def test_earlier_runs_make_the_likely_figure(projects: Projects) -> None:
    events = [
        StepStarted(0.0, "s[0]", "s", "prompt"),
        StepStarted(0.0, "s[1]", "s", "prompt"),
        call("s[0]", "a/cheap", Usage(1000, output_tokens=100)),
        call("s[1]", "a/cheap", Usage(3000, output_tokens=300)),
        CallFailed(0.0, "s[1]", 0, 1, "a/cheap", "connection", "cut", 1.0, usage=Usage(2000)),
        CallFailed(0.0, "s[1]", 0, 2, "a/cheap", "timeout", "late", 1.0),
        NoticeGiven(0.0, "s[1]", "nothing that counts"),
    ]
    run = uses_of_run(events)
    assert (run["s"].executions, run["s"].calls) == (2, 3)
    assert run["s"].usage == {"a/cheap": Usage(6000, output_tokens=400)}
    earlier = history([run, {}])
    step = projects.step(
        f"  s: {{{PROMPT}, for_each: inputs.l}}", "s", head="inputs: {l: {type: array}}", earlier=earlier
    )
    assert step.from_runs == 2
    assert (step.input_tokens.likely, step.output_tokens.likely) == (3000, 200)
    assert step.cost.likely == money("0.003") + money("0.002")


def test_a_step_that_earlier_runs_skipped_likely_costs_nothing(projects: Projects) -> None:
    skipped = StepSkipped(0.0, "group", "group", "steps", "condition")
    earlier = history([uses_of_run([skipped])])
    report = projects.report(f"  group: {{steps: {{inner: {{{PROMPT}}}}}}}\n  new: {{{PROMPT}}}", earlier=earlier)
    likely = {step.visit.path: step.cost.likely for step in report.estimate.steps}
    assert likely["group.inner"] == 0 and likely["new"]


def test_what_another_model_used_is_priced_by_the_likely_one(projects: Projects) -> None:
    earlier = {"s": StepHistory(1, 1, 1, {"old/gone": Usage(1000, output_tokens=100)})}
    step = projects.step(f"  s: {{{PROMPT}}}", "s", earlier=earlier)
    assert step.cost.likely == money("0.002")


def test_paths_have_no_indices() -> None:
    assert step_path("epics[2].build[1].code") == "epics.build.code"


def test_sums_keep_what_is_unknown() -> None:
    assert total([Spread(1, 2, 3), Spread(1, 2, 3)]) == Spread(2, 4, 6)
    assert total([Spread(1, None, None), Spread(1, 2, 3)]) == Spread(2, None, None)
    assert total([]) == NOTHING
    assert Spread(9, 7, 5) == Spread(5, 5, 5)


def test_under_a_budget_with_a_downgrade_the_lower_tier_counts_too(projects: Projects) -> None:
    routing = projects.folder / "routing.yaml"
    routing.write_text(routing.read_text() + "downgrade_to: low\n")
    head = "limits: {budget: {usd: 5, downgrade_at: 0.5}}"
    step = projects.step("  s: {prompt: hard, fallback: false}", "s", head=head)
    assert {way[0].ref.model for way in step.route.ask.ways} == {"dear", "cheap"}


def test_a_smaller_cap_is_suggested_where_replies_were_always_short(projects: Projects) -> None:
    run = uses_of_run([call("s", "a/cheap", Usage(10, output_tokens=30, reasoning_tokens=21))] * 2)
    assert run["s"].longest == 51
    prompt = "  s: {prompt: hello, model: a/cheap, fallback: false}"
    enough = [projects.step(prompt, "s", earlier=history([run] * runs)).enough for runs in (2, 3)]
    assert enough == [None, 200]
    capped = prompt.replace("fallback", "max_output_tokens: 300, fallback")
    assert projects.step(capped, "s", earlier=history([run] * 3)).enough is None


def test_what_a_prompt_is_put_together_from(projects: Projects) -> None:
    head = "inputs: {x: {type: string}, long: {type: array, default: [one, two words]}}"
    schema = "{type: object, properties: {names: {type: array, maxItems: 2}}}"
    first = f"  one: {{{PROMPT}}}\n  cmd: {{run: [echo, hi]}}\n  list: {{{PROMPT}, output_schema: {schema}}}\n"

    def sizes(prompt: str, extra: str = "") -> tuple[int | None, int | None]:
        step = f"  s: {{prompt: '{prompt}', model: a/cheap, fallback: false, max_output_tokens: 100{extra}}}"
        found = projects.step(first + step, "s", head=head)
        return found.input_tokens.likely, found.input_tokens.high

    window = 2 * 10_000
    plain = sizes("Go")
    assert plain[0] is not None and plain[1] is not None and plain[1] < 1000
    for prompt, extra, likely in [
        ("{{ inputs.x }}", "", 300),
        ("{{ steps.cmd.output.stdout }}", "", 300),
        ("{{ steps.one.status }} {{ run.id }}", "", 4),
        ("{{ steps.one.output | upper }}", "", 100),
        ("Go", ", conversation: one", 200),
        ("Go", ", attachments: [a.txt]", 1000),
        ("{{ previous }}", ", repeat: {max_iterations: 1}", 400),
        ("Go", ', system: "{{ inputs.x }}"', 300),
    ]:
        found = sizes(prompt, extra)
        assert found[0] is not None and found[0] >= likely and found[1] == window, prompt
    items = sizes("{{ item }} of {{ index }}", ", for_each: inputs.long")
    assert items[1] is not None and items[1] < 2 * 1000
    assert sizes("{{ iteration }}", ", repeat: {max_iterations: 1}")[1] != window
    reply = sizes("{{ item }}", ", for_each: steps.list.output.names")
    assert reply[1] is not None and reply[1] < 1000 * 2 * 1000


def test_a_switchs_output_is_no_single_cases(projects: Projects) -> None:
    head = "inputs: {kind: {type: string}}"
    cases = f"{{a: {{{PROMPT}}}, b: {{{PROMPT.replace('100', '900')}}}}}"
    steps = f"  which: {{switch: {{value: inputs.kind, cases: {cases}, default: {{set: {{}}}}}}}}\n"
    prompt = PROMPT.replace("Say hello", '"{{ steps.which.output }}"')
    assert projects.step(f"{steps}  s: {{{prompt}}}", "s", head=head).input_tokens.high == 2 * 10_000
    nothing = f"  which: {{switch: {{value: \"'x'\", cases: {{a: {{{PROMPT}}}}}}}}}\n"
    assert [step.visit.path for step in projects.report(nothing).estimate.steps] == ["which"]


def test_a_judge_that_nobody_can_be_makes_the_cost_unknown(projects: Projects) -> None:
    step = projects.step(f"  s: {{{PROMPT}, verify: [{{judge: Good?, model: free/m}}]}}", "s")
    assert step.cost.likely is None and step.unpriced == "free/m"
    judged = projects.step(f"  s: {{{PROMPT}, verify: [{{judge: Good?}}]}}", "s", options=RunOptions(provider="free"))
    assert judged.cost.likely is None


def test_one_unpriced_fallback_makes_the_bound_unknown(projects: Projects) -> None:
    step = projects.step("  s: {prompt: x, model: free/m, fallback: [a/cheap]}", "s")
    assert step.cost.high is None and step.unpriced == "free/m"
