"""Whole runs on plans made by hand: order, failure, fan-outs, loops, stops."""

from __future__ import annotations

from nano_flow.core.errors import BadCredentials, LimitReached
from nano_flow.core.events import StepFailed, StepFinished, StepSkipped, StepStarted
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.outcomes import Failed
from nano_flow.plan.kinds.finish import PlannedFinish
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.plan import PlannedForEach, PlannedGraph, PlannedLimits, PlannedRepeat, PlannedRetry
from nano_flow.ports import CommandResult
from tests.runtime.kit import Kit, expression, prompt, step, template, values


def run_step(id_: str, *argv: str, needs: tuple[str, ...] = (), **more: object):  # type: ignore[no-untyped-def]
    return step(id_, "run", PlannedRun(tuple(template(a) for a in argv)), needs=needs, **more)


def outputs(text: str) -> dict[str, object]:
    return {"outputs": {"x": template(text)}, "has_outputs": True}


def test_values_flow_along_references() -> None:
    steps = [values("a", n=2), values("b", (), double="{{ steps.a.output.n * 2 }}", references=("a",))]
    end = Kit().run(steps, **outputs("{{ steps.b.output.double }}"))
    assert (end.status, end.outputs) == ("succeeded", {"x": 4})


def test_a_prompt_is_charged_and_shown() -> None:
    end = Kit().run([prompt("a", "hello")], **outputs("{{ steps.a.model }} {{ steps.a.cost_usd }}"))
    assert end.outputs == {"x": "fake/model 0.000001"}


def test_a_failed_step_skips_what_needs_it_and_fails_the_run() -> None:
    kit = Kit()
    kit.commands.results["bad"] = CommandResult("", "no such thing\n", 3)
    end = kit.run([run_step("a", "bad"), values("b", ["a"]), values("c", ["a"], trigger_rule="all_done")])
    assert end.status == "failed"
    assert end.failure is not None
    assert end.failure.message == 'step "a": exit code 3: no such thing'
    assert kit.names(StepSkipped) == ["b"]
    assert kit.names(StepFinished) == ["c"]


def test_on_error_continue_and_output() -> None:
    kit = Kit()
    kit.commands.results["bad"] = CommandResult("", "", 1)
    steps = [
        run_step("a", "bad", on_error="continue"),
        run_step("b", "bad", on_error="output", on_error_output="spare"),
        values("c", ["a", "b"], seen="{{ steps.a.status }} {{ steps.a.error.class }} {{ steps.b.output }}"),
    ]
    end = kit.run(steps, **outputs("{{ steps.c.output.seen }} {{ steps.b.status }}"))
    assert end.outputs == {"x": "failed command spare succeeded"}


def test_a_condition_that_cannot_be_evaluated_fails_its_step() -> None:
    kit = Kit()
    end = kit.run([values("a"), values("b", ["a"], when="steps.a.output.nope > 1")])
    assert end.status == "failed"
    assert kit.names(StepFailed) == ["b"]


def test_a_fan_out_keeps_the_order_and_the_limit() -> None:
    kit = Kit()
    kit.gateway.delay = 0.05
    spec = PlannedForEach(list(range(20)))
    end = kit.run(
        [prompt("a", "{{ item }}/{{ index }}", for_each=spec)],
        limits=PlannedLimits(max_parallel=4),
        **outputs("{{ steps.a.output }}"),
    )
    assert end.outputs == {"x": [f"{n}/{n}" for n in range(20)]}
    assert kit.gateway.most == 4


def test_failed_items_are_null_under_continue() -> None:
    kit = Kit()
    kit.gateway.replies = {"a[1]": [ChatReply("", "length", Usage())]}
    spec = PlannedForEach(["p", "q"], on_item_failure="continue")
    end = kit.run(
        [prompt("a", "{{ item }}", for_each=spec)],
        **outputs("{{ [steps.a.output, steps.a.errors[0].item, steps.a.errors[0].class] }}"),
    )
    assert end.outputs == {"x": [["p", None], "q", "length"]}


def test_a_fan_out_in_which_nothing_succeeds_fails() -> None:
    kit = Kit()
    kit.commands.results["bad"] = CommandResult("", "", 1)
    spec = PlannedForEach([1, 2], on_item_failure="continue")
    end = kit.run([run_step("a", "bad", for_each=spec)])
    assert end.status == "failed"


def test_an_empty_list_succeeds() -> None:
    end = Kit().run([prompt("a", "x", for_each=PlannedForEach([]))], **outputs("{{ steps.a.output }}"))
    assert end.outputs == {"x": []}


def test_cancel_stops_running_items() -> None:
    kit = Kit()
    kit.gateway.delay = 1.0
    kit.gateway.replies = {"a[0]": [ChatReply("", "content_filter", Usage())]}
    spec = PlannedForEach([1, 2, 3], on_item_failure="cancel")
    end = kit.run([prompt("a", "x", for_each=spec)])
    assert end.status == "failed"


def test_too_many_items_start_nothing() -> None:
    kit = Kit()
    end = kit.run([prompt("a", "x", for_each=PlannedForEach([1, 2, 3], max_items=2))])
    assert end.failure is not None
    assert "max_items" in end.failure.message
    assert kit.gateway.asked == []


def test_a_loop_ends_when_its_condition_holds() -> None:
    spec = PlannedRepeat(expression("output.n >= 3"), 10)
    end = Kit().run(
        [values("a", n="{{ iteration }}", before="{{ previous.n if previous else 0 }}", repeat=spec)],
        **outputs("{{ steps.a.output }}"),
    )
    assert end.outputs == {"x": {"n": 3, "before": 2}}


def test_an_exhausted_loop_fails_or_goes_on() -> None:
    for mode, status in (("fail", "failed"), ("continue", "succeeded")):
        spec = PlannedRepeat(expression("false"), 2, on_exhausted=mode)  # type: ignore[arg-type]
        assert Kit().run([values("a", n="{{ iteration }}", repeat=spec)]).status == status


def test_until_sees_the_inner_steps_of_a_group() -> None:
    inner = PlannedGraph((values("count", n="{{ iteration }}"),))
    spec = PlannedRepeat(expression("steps.count.output.n == 2"), 5)
    kit = Kit()
    end = kit.run([step("g", "steps", PlannedGroup(inner), repeat=spec)], **outputs("{{ steps.g.output }}"))
    assert end.outputs == {"x": {"count": {"n": 2}}}
    assert kit.names(StepStarted) == ["g[0]", "g[0].count", "g[1]", "g[1].count"]


def test_retry_of_a_group_repeats_what_did_not_succeed() -> None:
    kit = Kit()
    kit.gateway.replies = {"g.b": [ChatReply("", "length", Usage()), "fine"]}
    inner = PlannedGraph((prompt("a", "one"), prompt("b", "two", ["a"])))
    end = kit.run([step("g", "steps", PlannedGroup(inner), retry=PlannedRetry(2))])
    assert end.status == "succeeded"
    assert [(ask.address, ask.turn) for ask in kit.gateway.asked] == [("g.a", 0), ("g.b", 0), ("g.b", 1000)]


def test_a_timeout_counts_from_the_start_of_the_attempt() -> None:
    kit = Kit()
    kit.gateway.delay = 5.0
    end = kit.run(
        [prompt("a", "x", timeout_s=1.0, on_error="output", on_error_output="late")],
        **outputs("{{ steps.a.output }}{{ steps.a.error.class }}"),
    )
    assert end.outputs == {"x": "latetimeout"}


def test_a_switch_takes_one_branch() -> None:
    spec = PlannedSwitch(template("{{ 'x' ~ 1 }}"), {"x1": values("s", n=1), "x2": values("s", n=2)})
    end = Kit().run([step("s", "switch", spec)], **outputs("{{ steps.s.case }} {{ steps.s.output.n }}"))
    assert end.outputs == {"x": "x1 1"}


def test_finish_ends_the_run_well_and_fail_badly() -> None:
    for failed, status in ((False, "succeeded"), (True, "failed")):
        kit = Kit()
        end = kit.run([step("a", "fail", PlannedFinish(template("enough"), failed)), values("b", ["a"])])
        assert end.status == status
        assert kit.names(StepSkipped) == ["b"]


def test_handlers_run_at_the_end_and_see_the_failure() -> None:
    kit = Kit()
    kit.commands.results["bad"] = CommandResult("", "broken", 1)
    tell = PlannedGraph((run_step("tell", "tell", "{{ failure.step }}", "{{ failure.class }}", "{{ run.status }}"),))
    clean = PlannedGraph((run_step("clean", "clean"),))
    end = kit.run([run_step("a", "bad")], on_failure=tell, finally_=clean)
    assert end.status == "failed"
    assert kit.commands.ran[1:] == [("tell", "a", "command", "failed"), ("clean",)]


def test_no_provider_is_a_reason_of_its_own() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": [BadCredentials("no OPENAI_API_KEY")]}
    end = kit.run([prompt("a", "x")])
    assert end.reason == "provider"


def test_a_reached_budget_stops_the_run_but_not_its_finally() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": [LimitReached("budget.usd", "the budget is used up")]}
    clean = PlannedGraph((run_step("clean", "clean"),))
    end = kit.run([prompt("a", "x"), values("b", ["a"], trigger_rule="all_done")], finally_=clean)
    assert (end.status, end.reason) == ("failed", "budget")
    assert kit.commands.ran == [("clean",)]
    assert kit.names(StepSkipped) == ["b"]


def test_steps_are_counted_before_they_start() -> None:
    end = Kit().run([values("a"), values("b", ["a"])], limits=PlannedLimits(steps=1))
    assert (end.status, end.reason) == ("failed", "limit")


def test_a_broken_schema_is_repaired_and_told_to_the_model() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": ["no json", '{"n": "x"}', '{"n": 1}']}
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    end = kit.run([prompt("a", "x", output_schema=schema)], **outputs("{{ steps.a.output.n }}"))
    assert end.outputs == {"x": 1}
    assert "not valid JSON" in kit.gateway.asked[1].messages[-1].content


def test_a_schema_that_stays_broken_fails() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": ["no"] * 3}
    end = kit.run([prompt("a", "x", output_schema={"type": "object"})])
    assert end.failure is not None
    assert end.failure.kind == "schema"


def test_events_name_the_first_failure() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": [ChatReply("", "incomplete", Usage())]}
    end = kit.run([prompt("a", "x")])
    failed = [e for e in kit.events if isinstance(e, StepFailed)]
    assert [f.error for f in failed] == ["incomplete"]
    assert isinstance(end.failure, Failed | object)


def test_conversations_go_on_per_item_and_over_the_iterations_of_a_group() -> None:
    kit = Kit()
    twice = PlannedRepeat(None, 2)
    steps = [
        prompt(
            "each", "{{ item }}{{ iteration }}", conversation="each", for_each=PlannedForEach(["x", "y"]), repeat=twice
        ),
        step(
            "g",
            "steps",
            PlannedGroup(PlannedGraph((prompt("talk", "{{ iteration }}", conversation="talk"),))),
            repeat=twice,
        ),
        prompt("a", "first"),
        prompt("b", "second", ["a"], conversation="a"),
    ]
    assert kit.run(steps).status == "succeeded"
    said = {ask.address: [m.content for m in ask.messages if m.role == "user"] for ask in kit.gateway.asked}
    assert said["each[0][1]"] == ["x1", "x2"]
    assert said["each[1][1]"] == ["y1", "y2"]
    assert said["g[1].talk"] == ["1", "2"]
    assert said["b"] == ["first", "second"]


def test_the_bound_on_steps_stops_a_fan_out_before_its_first_item_and_spares_the_handlers() -> None:
    kit = Kit()
    clean = PlannedGraph((run_step("clean", "clean"),))
    limits = PlannedLimits(steps=2)
    end = kit.run([run_step("a", "x", for_each=PlannedForEach([1, 2, 3]))], limits=limits, finally_=clean)
    assert (end.status, end.reason, kit.commands.ran) == ("failed", "limit", [("clean",)])
