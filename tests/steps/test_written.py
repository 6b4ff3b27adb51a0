"""A step's tier is decided by what its author wrote, the same at every turn, and never by the engine's own words."""

from __future__ import annotations

from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.gateway.ask import Circumstances, ModelAsk
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.route import PolicyRouter
from nano_flow.plan.kinds.prompt import PlannedCheck
from nano_flow.pricing.prices import Prices
from tests.routing import world
from tests.runtime.kit import FakeToolbox, Kit, expression, prompt, template
from tests.steps.tools import FakeTool

SCHEMA = {
    "type": "object",
    "properties": {"proof": {"type": "string", "description": "prove it"}},
    "required": ["proof"],
}


def asked(kit: Kit, *steps: object) -> list[ModelAsk]:
    kit.run(list(steps))  # type: ignore[arg-type]
    return kit.gateway.asked


def score(ask: ModelAsk) -> float | None:
    router = PolicyRouter(world.policy_of(), world.CATALOGUE, Prices(world.LISTS), Observed())
    return router(ask, Circumstances(world.NOW, 20)).score


def test_a_repair_is_judged_by_the_prompt_alone() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": ["prove, prove", "{}", '{"proof": "x"}']}
    turns = asked(kit, prompt("a", "fix the typo", output_schema=SCHEMA))
    assert [turn.written for turn in turns] == ["fix the typo"] * 3
    assert len(turns[-1].messages) == 5
    assert len({score(turn) for turn in turns}) == 1


def test_results_of_tools_count_for_nothing() -> None:
    kit = Kit(toolbox=FakeToolbox({"look": FakeTool("look", lambda arguments: "prove " * 500)}))
    calls = ChatReply("", "tool_calls", Usage(1), tool_calls=(ToolCall("1", "look", "{}"),))
    kit.gateway.replies = {"a": [calls, "done"]}
    turns = asked(kit, prompt("a", "fix the typo", tools=("look",)))
    assert [turn.written for turn in turns] == ["fix the typo"] * 2


def test_system_attached_texts_and_earlier_prompts_of_a_conversation_were_written_by_authors() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": ["bad", "fine"]}
    check = PlannedCheck(check=expression("output != 'bad'"), message=template("no"))
    first = prompt("a", "one", system=template("be brief"), attachments=(template("notes.txt"),), verify=(check,))
    second = prompt("b", "two", ["a"], conversation="a")
    *_, last = asked(kit, first, second)
    assert last.written == "be brief\n\none\n\nnotes.txt\n\ntwo"


def test_a_judge_is_chosen_by_criterion_and_reply_without_the_frame_around_them() -> None:
    kit = Kit()
    kit.gateway.replies = {"a": ["fair", '{"score": 1, "reason": "so"}']}
    *_, judge = asked(kit, prompt("a", "go", verify=(PlannedCheck(judge=template("Is it good?")),)))
    assert (judge.purpose, judge.written) == ("judge", "Is it good?\n\nfair")
