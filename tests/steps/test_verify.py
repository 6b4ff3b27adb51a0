"""Each whole reply that is checked leaves one label: whose reply, to which prompt, whether it passed, and by what."""

from __future__ import annotations

import pytest

from nano_flow.core.errors import BadCredentials
from nano_flow.core.events import Event, ReplyChecked
from nano_flow.core.messages import ChatReply, Message, Usage
from nano_flow.gateway.sending.fingerprint import prompt_digest
from nano_flow.plan.kinds.prompt import PlannedCheck
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.ports import CommandResult
from tests.plan.compiling import plan_of
from tests.runtime.generated import World, live
from tests.runtime.kit import Kit, expression, prompt, template

CHECK = PlannedCheck(check=expression("output != 'bad'"), message=template("no"))
JUDGE = PlannedCheck(judge=template("Is it good?"), at_least=0.6)
RUN = PlannedCheck(run=PlannedRun(argv=(template("test-it"),)))
SCHEMA = {"type": "object", "required": ["n"]}
GO = prompt_digest([Message("user", "go")])
Told = list[tuple[int, bool, str, float | None]]


def labels(events: list[Event]) -> list[ReplyChecked]:
    return [event for event in events if isinstance(event, ReplyChecked)]


def told(kit: Kit, *replies: str | ChatReply | Exception, **more: object) -> Told:
    """Turn, verdict, kind and score of each label that the replies of one step left."""
    kit.gateway.replies = {"a": list(replies)}
    kit.run([prompt("a", "go", **more)])
    found = labels(kit.events)
    assert {(label.address, label.model, label.prompt_digest) for label in found} <= {("a", "fake/model", GO)}
    return [(label.turn, label.passed, label.by, label.score) for label in found]


def verdict(score: float) -> str:
    return f'{{"score": {score}, "reason": "so"}}'


def test_a_reply_without_checks_leaves_none() -> None:
    assert told(Kit(), "fine") == []


def test_broken_and_valid_replies_are_told_apart() -> None:
    assert told(Kit(), "no", "{}", '{"n": 1}', output_schema=SCHEMA) == [
        (0, False, "schema", None),
        (1, False, "schema", None),
        (2, True, "schema", None),
    ]


def test_the_last_reply_of_a_step_that_fails_is_told_too() -> None:
    assert told(Kit(), "bad", "bad", verify=(CHECK,), repair_attempts=1) == [
        (0, False, "check", None),
        (1, False, "check", None),
    ]


def test_the_check_that_fails_is_named_else_the_last_and_the_lowest_score_is_kept() -> None:
    both = (CHECK, JUDGE, PlannedCheck(judge=template("Is it short?"), at_least=0.5))
    replies = ("bad", "fair", verdict(0.2), "good", verdict(0.7), verdict(0.9))
    assert told(Kit(), *replies, verify=both, repair_attempts=3) == [
        (0, False, "check", None),
        (1, False, "judge", 0.2),
        (3, True, "judge", 0.7),
    ]


def test_a_command_gives_a_verdict_after_the_schema_did() -> None:
    kit = Kit()
    kit.commands.results = {"test-it": CommandResult("", "wrong", 1)}
    assert told(kit, '{"n": 1}', output_schema=SCHEMA, verify=(RUN,), repair_attempts=0) == [(0, False, "run", None)]


@pytest.mark.parametrize(
    "replies",
    [
        (BadCredentials("no key"),),
        (ChatReply("half", "length", Usage()),),
        (ChatReply("", "content_filter", Usage()),),
        (ChatReply("half", "incomplete", Usage()),),
        ("good", "no verdict"),
    ],
)
def test_what_is_nobodys_answer_is_no_label(replies: tuple[str | ChatReply | Exception, ...]) -> None:
    assert told(Kit(), *replies, verify=(JUDGE,)) == []


def test_a_retried_group_leaves_labels_under_numbers_of_its_own() -> None:
    flow = """
    steps:
      g:
        retry: {max_attempts: 2, delay: 1ms}
        steps:
          a: {prompt: go, model: sim/small, verify: [{check: output == 'no'}], repair: {max_attempts: 0}}
    """
    _, events = live(plan_of(flow), World())
    assert [(label.turn, label.passed) for label in labels(events)] == [(0, False), (1000, False)]


FLOW = """
steps:
  a:
    prompt: go
    model: sim/small
    system: You are brief.
    verify: [{check: "'failed' in output", message: once more}, {run: [good]}]
    repair: {max_attempts: 2}
  b: {prompt: "{{ steps.a.output }}", model: sim/small, needs: [a]}
"""


def test_a_resume_tells_each_verdict_once_wherever_the_process_died() -> None:
    plan = plan_of(FLOW)
    _, events = live(plan, World())
    whole = [(label.turn, label.passed, label.by) for label in labels(events)]
    assert whole == [(0, False, "check"), (1, True, "run")]
    for end in range(1, len(events)):
        _, more = live(plan, World(), events[:end])
        found = labels([*events[:end], *more])
        assert [(label.turn, label.passed, label.by) for label in found] == whole


def test_a_verdict_that_is_another_now_is_told_again() -> None:
    _, events = live(plan_of(FLOW), World())
    changed = plan_of(FLOW.replace("'failed'", "'A check'"))
    _, more = live(changed, World(), events)
    assert labels(more) == []
    stricter = plan_of(FLOW.replace("run: [good]", "run: [bad]").replace("max_attempts: 2", "max_attempts: 1"))
    _, more = live(stricter, World(), events)
    assert [(label.turn, label.passed, label.by) for label in labels(more)] == [(1, False, "run")]
