"""Whatever a model, a tool or a command says, under whatever schema: a step fails or succeeds, and the run goes on."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.events import StepFailed, StepFinished
from nano_flow.core.messages import ChatReply, Json, ToolCall, Usage
from nano_flow.plan.plan import PlannedForEach, PlannedGraph
from nano_flow.steps.conversation.toolcalls import readable_calls
from nano_flow.steps.output import OutputBroken, parse_json
from tests.fuzz.cases import fuzzed
from tests.runtime.kit import Kit, prompt, template, values
from tests.source.test_judging import DEFS, data, schemas

BROKEN = ["NaN", "[", '{"a":1', "```json", "1e999", "-0", "\ufeff{}", '{"a":1,"a":2}', "truefalse", "", " ", "[[]]][["]
LARGE = ["[" * 5_000, "1" + "0" * 400, '"\\ud800"', chr(0xD800), '"' + "x" * 70_000 + '"']
ODD = st.sampled_from([*BROKEN, *LARGE, "null", '{"":{"":{}}}', "```json\n{}\n```"])
CUT = st.tuples(data, st.integers(0, 40)).map(lambda pair: json.dumps(pair[0])[: pair[1]])
replies = data.map(json.dumps) | data.map(lambda value: json.dumps(value, indent=1)) | CUT | ODD | st.text(max_size=40)


def _schema(schema: Json) -> dict[str, Json]:
    return {"allOf": [schema], "$defs": DEFS} if isinstance(schema, bool) else {**schema, "$defs": DEFS}  # type: ignore[dict-item]


@fuzzed(200)
@given(st.lists(replies, min_size=2, max_size=3), schemas)
def test_no_reply_is_a_defect_and_the_others_go_on(said: list[str], schema: Json) -> None:
    kit = Kit()
    for number, reply in enumerate(said):
        kit.gateway.replies[f"a[{number}]"] = [ChatReply(reply, "stop", Usage(1, output_tokens=1))] * 9
    each = PlannedForEach(list(range(len(said))), on_item_failure="continue")
    asked = prompt("a", "{{ item }}", for_each=each, output_schema=_schema(schema), repair_attempts=0)
    started = time.thread_time()
    kit.run(
        [asked, values("b", x=1)],
        outputs={"o": template("{{ steps.a.output }} {{ steps.a.errors | length }}")},
        has_outputs=True,
        finally_=PlannedGraph((values("f", x=1),)),
    )
    assert time.thread_time() - started < 5
    failed = [event for event in kit.events if isinstance(event, StepFailed)]
    assert {event.error for event in failed} <= {"schema", "outputs", "template"}, failed
    assert {"b", "f"} <= {event.address for event in kit.events if isinstance(event, StepFinished)}


@fuzzed(500)
@given(replies)
def test_arguments_of_tools_are_read_or_refused(text: str) -> None:
    try:
        parse_json(text)
    except OutputBroken:
        pass
    (kept,) = readable_calls((ToolCall("1", "t", text),))
    assert isinstance(json.loads(kept.arguments), dict)
