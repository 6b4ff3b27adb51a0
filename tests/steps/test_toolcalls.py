"""The agent's tool loop: what is called, in which order, what the model is told, and when the step gives up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import pytest

from nano_flow.core.errors import OutputLimit, StepError, StoreError
from nano_flow.core.events import StepFailed, ToolCalled, ToolIntended
from nano_flow.core.messages import ChatReply, Json, Message, ToolCall, Usage
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.runtime.run import RunEnd
from nano_flow.steps.conversation import toolcalls
from nano_flow.steps.tools.calls import tool_fingerprint
from tests.runtime.kit import NOTHING, Kit, prompt, step, template
from tests.steps.tools import FakeTool, calls


def ask(kit: Kit, *replies: ChatReply | str, tools: list[FakeTool], **more: object) -> RunEnd:
    kit.toolbox.known = {tool.name: tool for tool in tools}
    kit.gateway.replies["a"] = list(replies)
    names = tuple(tool.name for tool in tools)
    return kit.run([prompt("a", "go", tools=names, **more)], outputs={}, has_outputs=False)


def told(kit: Kit, turn: int = 1) -> list[Message]:
    """What the model was told by tools before ``turn``."""
    return [message for message in kit.gateway.asked[turn].messages if message.role == "tool"]


def failure(kit: Kit) -> tuple[str, str]:
    (failed,) = [event for event in kit.events if isinstance(event, StepFailed)]
    return failed.error, failed.message


def raising(error: Exception) -> FakeTool:
    def raise_it(arguments: Mapping[str, Json]) -> NoReturn:
        raise error

    return FakeTool("t", raise_it)


def test_results_go_back_under_their_ids_in_the_order_of_the_calls() -> None:
    kit = Kit()
    tool = FakeTool("t", lambda arguments: arguments["n"])
    end = ask(kit, calls(("id-2", "t", '{"n": 2}'), ("id-1", "t", '{"n": [1]}')), "fine", tools=[tool])
    assert end.status == "succeeded"
    assert [(message.tool_call_id, message.content) for message in told(kit)] == [("id-2", "2"), ("id-1", "[1]")]
    said = kit.gateway.asked[1].messages[-3]
    assert (said.role, [call.id for call in said.tool_calls]) == ("assistant", ["id-2", "id-1"])


def test_calls_of_one_turn_run_at_the_same_time_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolcalls, "_AT_ONCE", 3)
    kit, tool = Kit(), FakeTool("t")
    ask(kit, calls(*[("t", {"n": n}) for n in range(10)]), "fine", tools=[tool])
    assert (tool.most, len(tool.asked)) == (3, 10)


def test_calls_that_write_the_same_thing_run_in_order() -> None:
    kit, tool = Kit(), FakeTool("t", key="path")
    wanted = [("t", {"path": path, "n": n}) for n, path in enumerate("abaacb")]
    ask(kit, calls(*wanted), "fine", tools=[tool])
    order = {path: [asked["n"] for asked in tool.asked if asked["path"] == path] for path in "abc"}
    assert order == {"a": [0, 2, 3], "b": [1, 5], "c": [4]}
    assert 1 < tool.most <= 3


def test_a_write_that_fails_does_not_hold_the_next() -> None:
    kit = Kit()
    tool = FakeTool("t", lambda arguments: 1 // int(str(arguments["n"])), key="path")
    ask(kit, calls(("t", {"path": "a", "n": 0}), ("t", {"path": "a", "n": 1})), "fine", tools=[tool])
    assert [message.content[:5] for message in told(kit)] == ["error", "1"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("c", "nope", "{}"), 'there is no tool "nope" in this step; there are: t'),
        (("c", "run_command", '{"command": ["sh"]}'), 'there is no tool "run_command" in this step'),
        (("c", "t", "{"), 'the arguments of "t" are wrong: not valid JSON'),
        (("c", "t", '{"n": NaN}'), "not valid JSON: NaN is not JSON"),
        (("c", "t", '{"n": "x"}'), "n: 'x' is not of type 'integer'"),
        (("c", "t", "{}"), "'n' is a required property"),
        (("c", "t", "[]"), "is not of type 'object'"),
        (("c", "t", ""), "'n' is a required property"),
    ],
)
def test_a_wrong_call_is_told_and_not_run(call: tuple[str, str, str], message: str) -> None:
    kit = Kit()
    tool = FakeTool("t", parameters={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    assert ask(kit, calls(call), "fine", tools=[tool]).status == "succeeded"
    (answer,) = told(kit)
    assert answer.content.startswith("error: ") and message in answer.content
    assert tool.asked == []
    assert not [event for event in kit.events if isinstance(event, ToolIntended)]


def test_arguments_that_are_no_json_are_no_part_of_the_history() -> None:
    kit = Kit()
    ask(kit, calls(("c", "t", '{"a')), "fine", tools=[FakeTool("t")])
    assert kit.gateway.asked[1].messages[-2].tool_calls == (ToolCall("c", "t", "{}"),)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StepError("tool", "no such file"), "error: no such file"),
        (StepError("command", "exit code 1"), "error: exit code 1"),
        (ValueError("odd"), 'error: "t" failed: ValueError: odd'),
        (TimeoutError(), 'error: "t" failed: TimeoutError: '),
    ],
)
def test_a_tool_that_raises_is_told_and_recorded(error: Exception, said: str) -> None:
    kit = Kit()
    assert ask(kit, calls(("t", {})), "fine", tools=[raising(error)]).status == "succeeded"
    assert told(kit)[0].content == said
    (recorded,) = [event for event in kit.events if isinstance(event, ToolCalled)]
    assert recorded.error == said.removeprefix("error: ")


def test_a_store_that_breaks_is_not_told_to_the_model() -> None:
    kit = Kit()
    with pytest.raises(StoreError):
        ask(kit, calls(("t", {})), "fine", tools=[raising(StoreError("store.db", "disk full"))])


def test_a_tool_that_keeps_failing_ends_the_step() -> None:
    kit = Kit()
    ask(kit, *[calls(("t", {}))] * 5, tools=[raising(StepError("tool", "no"))])
    assert failure(kit) == ("tool", 'the tool "t" failed 3 times; the last time: no')
    assert len(kit.gateway.asked) == 3


def test_an_unknown_tool_that_is_asked_for_again_and_again_ends_the_step() -> None:
    kit = Kit()
    ask(kit, *[calls(("c", "shell", "{}"))] * 5, tools=[FakeTool("t")])
    assert failure(kit)[1].startswith('the tool "shell" failed 3 times')


def test_failures_side_by_side_are_one_and_success_begins_anew() -> None:
    kit = Kit()
    tool = FakeTool("t", lambda arguments: 1 // int(str(arguments["n"])))
    bad, good = ("t", {"n": 0}), ("t", {"n": 1})
    turns = [calls(bad, bad, bad, bad), calls(bad), calls(good), calls(bad), calls(bad, good), calls(bad), calls(bad)]
    assert ask(kit, *turns, "fine", tools=[tool]).status == "succeeded"


def test_turns_are_bounded() -> None:
    kit = Kit()
    ask(kit, *[calls(("t", {"n": n})) for n in range(9)], tools=[FakeTool("t")], max_turns=4)
    assert failure(kit) == ("max_turns", "no final answer after 4 turns")
    assert len(kit.gateway.asked) == 4


def test_too_many_calls_in_one_turn_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolcalls, "_MAX_CALLS", 2)
    kit, tool = Kit(), FakeTool("t")
    ask(kit, calls(*[("t", {})] * 4), "fine", tools=[tool])
    assert [message.content[:17] for message in told(kit)] == ["done", "done", "error: not run: a", "error: not run: a"]


def test_a_long_result_shows_both_ends_to_the_model_and_is_kept_whole() -> None:
    kit = Kit()
    ask(kit, calls(("t", {})), "fine", tools=[FakeTool("t", lambda arguments: "x" * 30_000 + "end")])
    content = told(kit)[0].content
    assert content.startswith("x" * 15_000 + "\n[cut: 10003 characters]\n") and content.endswith("xend")
    (recorded,) = [event for event in kit.events if isinstance(event, ToolCalled)]
    assert len(str(recorded.result)) == 30_003


def test_what_is_cut_is_shown_to_the_model_with_a_note_and_answers_a_resume() -> None:
    kit = Kit()
    ask(kit, calls(("t", {})), "fine", tools=[raising(OutputLimit("too much of it", ["a", "b"]))])
    assert told(kit)[0].content == '["a", "b"]\n[cut: too much of it]'
    (recorded,) = [event for event in kit.events if isinstance(event, ToolCalled)]
    assert (recorded.result, recorded.error_kind) == (["a", "b"], "output_limit")


def test_the_same_call_again_and_again_is_told_and_then_ended() -> None:
    kit, tool = Kit(), FakeTool("t", lambda arguments: "same")
    ask(kit, *[calls(("t", {"n": 1}))] * 9, tools=[tool])
    assert len(tool.asked) == 6
    assert failure(kit)[0] == "tool_loop" and '"t" was called 6 times in a row' in failure(kit)[1]
    notes = ["times in a row" in message.content for message in told(kit, 5)]
    assert notes == [False, False, True, True, True]


def test_another_result_or_another_call_between_is_no_loop() -> None:
    kit, tool = Kit(), FakeTool("t", lambda arguments: arguments["n"])
    ask(kit, *[calls(("t", {"n": n % 2})) for n in range(12)], "fine", tools=[tool])
    assert len(tool.asked) == 12 and not any("in a row" in message.content for message in told(kit, 12))


@pytest.mark.parametrize(("finish", "kind"), [("length", "length"), ("content_filter", "content_filter")])
def test_calls_of_a_reply_that_is_not_whole_are_not_run(finish: str, kind: str) -> None:
    kit, tool = Kit(), FakeTool("t")
    ask(kit, replace(calls(("t", {})), finish_reason=finish), tools=[tool])  # type: ignore[arg-type]
    assert failure(kit)[0] == kind
    assert tool.asked == []


def test_a_reply_that_promises_calls_and_has_none_is_not_whole() -> None:
    kit = Kit()
    ask(kit, ChatReply("", "tool_calls", Usage()), tools=[FakeTool("t")])
    assert failure(kit)[0] == "incomplete"


def test_a_changed_tool_is_no_matter_for_the_model() -> None:
    kit = Kit()
    end = ask(kit, calls(("t", {})), "fine", tools=[raising(StepError("tool_changed", "look at it"))])
    assert failure(kit) == ("tool_changed", "look at it")
    assert (end.status, end.reason) == ("failed", "approval")


class TestAfterACrash:
    """What is recorded is not repeated; what is in doubt is repeated only where that does no harm."""

    def resumed(self, tool: FakeTool, **recorded: object) -> Kit:
        kit = Kit(recorded=replace(NOTHING, **recorded))  # type: ignore[arg-type]
        assert ask(kit, calls(("t", {"n": 1})), "fine", tools=[tool]).status == "succeeded"
        return kit

    def called(self, n: int, **more: object) -> dict[tuple[str, int, str], ToolCalled]:
        print_of = tool_fingerprint("t", {"n": n})
        return {("a", 0, "0"): replace(ToolCalled(1.0, "a", 0, "0", "t", print_of, "recorded", 0.1), **more)}

    def intended(self) -> dict[tuple[str, int, str], ToolIntended]:
        arguments: Json = {"n": 1}
        return {("a", 0, "0"): ToolIntended(1.0, "a", 0, "0", "t", tool_fingerprint("t", {"n": 1}), arguments)}

    def test_a_recorded_call(self) -> None:
        tool = FakeTool("t")
        kit = self.resumed(tool, tools=self.called(1))
        assert (tool.asked, told(kit)[0].content) == ([], "recorded")

    def test_a_recorded_failure(self) -> None:
        tool = FakeTool("t")
        kit = self.resumed(tool, tools=self.called(1, error="was so", error_kind="tool"))
        assert (tool.asked, told(kit)[0].content) == ([], "error: was so")

    def test_a_record_of_another_call(self) -> None:
        tool = FakeTool("t")
        kit = self.resumed(tool, tools=self.called(2))
        assert (tool.asked, told(kit)[0].content) == ([{"n": 1}], "done")

    def test_a_call_in_doubt_is_not_repeated(self) -> None:
        tool = FakeTool("t")
        kit = self.resumed(tool, tools_in_doubt=self.intended())
        assert tool.asked == []
        assert "check whether it took effect" in told(kit)[0].content

    def test_a_reading_call_in_doubt_is(self) -> None:
        tool = FakeTool("t", repeatable=True)
        kit = self.resumed(tool, tools_in_doubt=self.intended())
        assert (tool.asked, told(kit)[0].content) == ([{"n": 1}], "done")


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_a_tool_did_is_on_disk_before_anything_goes_on(repeatable: bool) -> None:
    kit = Kit()
    ask(kit, calls(("note", {})), "done", tools=[FakeTool("note", repeatable=repeatable)])
    assert [type(event) for event in kit.events if isinstance(event, ToolIntended | ToolCalled)] == [
        ToolIntended,
        ToolCalled,
    ]
    waited = [type(event) for event in kit.waited_for if isinstance(event, ToolIntended | ToolCalled)]
    assert waited == ([ToolCalled] if repeatable else [ToolIntended, ToolCalled])


def test_what_the_commands_of_steps_did_is_on_disk_before_anything_goes_on() -> None:
    kit = Kit()
    commands = [step(name, "run", PlannedRun((template("pay"),))) for name in ("a", "b")]
    kit.run(commands)
    assert {event.address for event in kit.waited_for if isinstance(event, ToolCalled)} == {"a", "b"}
