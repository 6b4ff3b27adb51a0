"""``resume`` as typed: what answers a question that was changed, what a change costs, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.said import Said

ASKS = """
nano_flow: 1
name: asks
steps:
  ok: {approve: {message: "Delete staging?"}}
  del:
    needs: [ok]
    when: steps.ok.output.decision == 'approve'
    run: "echo deleted $T >> effects.txt"
    env: {T: staging}
"""
COUNTS = """
nano_flow: 1
name: counts
steps:
  rows: {run: [cat, rows.txt]}
  ok: {approve: {message: "Publish {{ steps.rows.output.stdout }} rows?"}}
  publish: {needs: [ok], run: "echo published >> effects.txt"}
"""
USES = """
nano_flow: 1
name: uses
workspace: .
inputs: {day: {type: string, default: monday}}
tools: {look: {description: Look it up., parameters: {type: object}, run: [echo, found]}}
steps:
  a: {prompt: "What about {{ inputs.day }}?", tools: [look], model: sim/small}
  ok: {needs: [a], approve: {message: "Go on?"}}
outputs: {day: "{{ inputs.day }}"}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def test_an_answer_serves_only_the_question_that_it_was_given_to(said: Said) -> None:
    Path("w.yaml").write_text(ASKS)
    said("run", "w.yaml", "--no-input", code=6)
    said("approvals", "answer", "last", "ok", "approve")
    Path("w.yaml").write_text(ASKS.replace("staging", "production"))
    said("resume", "last", code=2)
    assert '"del", "ok"' in said.err and 'The answer at "ok" holds only if' in said.err
    said("resume", "last", "--accept-changes", code=6)
    assert not Path("effects.txt").exists()
    assert "Delete production?" in said("approvals")
    said("approvals", "answer", "last", "ok", "approve")
    said("resume", "last")
    assert Path("effects.txt").read_text() == "deleted production\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Delete staging?", "Delete everything?"),
        ('"Delete staging?"', '"Delete staging?", options: [approve, cancel]'),
        ('"Delete staging?"', '"Delete staging?", input: {type: string}'),
    ],
)
def test_a_question_is_its_message_its_options_and_its_input(said: Said, old: str, new: str) -> None:
    Path("w.yaml").write_text(ASKS)
    said("run", "w.yaml", "--no-input", code=6)
    said("approvals", "answer", "last", "ok", "approve")
    Path("w.yaml").write_text(ASKS.replace(old, new))
    said("resume", "last", "--accept-changes", code=6)
    assert not Path("effects.txt").exists()


def test_a_question_whose_values_changed_is_asked_again(said: Said) -> None:
    Path("w.yaml").write_text(COUNTS)
    Path("rows.txt").write_text("2")
    said("run", "w.yaml", "--no-input", code=6)
    said("approvals", "answer", "last", "ok", "approve")
    Path("rows.txt").write_text("3")
    said("resume", "last", "--from", "rows", code=6)
    assert "Publish 3 rows?" in said("approvals") and not Path("effects.txt").exists()


def test_an_answer_stays_where_its_question_stayed(said: Said) -> None:
    Path("w.yaml").write_text(ASKS)
    said("run", "w.yaml", "--no-input", code=6)
    said("approvals", "answer", "last", "ok", "approve")
    Path("w.yaml").write_text(ASKS.replace("echo deleted", "echo removed"))
    said("resume", "last", "--accept-changes")
    assert Path("effects.txt").read_text() == "removed staging\n"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("Look it up.", "Look it up twice.", '"tools.look"'),
        ("[echo, found]", "[echo, lost]", '"tools.look"'),
        ("parameters: {type: object}", "parameters: {type: object, maxProperties: 1}", '"tools.look"'),
        ("workspace: .", "workspace: below", '"workspace"'),
        ("default: monday", "default: tuesday", '"inputs.day"'),
    ],
)
def test_what_a_run_depends_on_besides_its_steps_is_named_before_anything_is_paid(
    said: Said, old: str, new: str, named: str
) -> None:
    Path("below").mkdir()
    Path("w.yaml").write_text(USES)
    said("run", "w.yaml", "--no-input", "--offline", code=6)
    Path("w.yaml").write_text(USES.replace(old, new))
    said("resume", "last", code=2)
    assert named in said.err and "Up to 1 recorded model calls ($" in said.err and "--accept-changes" in said.err
    said("approvals", "answer", "last", "ok", "approve")
    day = said.json("resume", "last", "--accept-changes")["outputs"]["day"]
    assert day == ("tuesday" if "default" in new else "monday")


def test_a_default_that_was_not_used_may_change(said: Said) -> None:
    Path("w.yaml").write_text(USES)
    said("run", "w.yaml", "-i", "day=friday", "--no-input", "--offline", code=6)
    Path("w.yaml").write_text(USES.replace("monday", "tuesday"))
    said("approvals", "answer", "last", "ok", "approve")
    assert said.json("resume", "last")["outputs"] == {"day": "friday"}


def test_a_default_of_a_sub_workflow_is_seen(said: Said) -> None:
    sub = (
        "nano_flow: 1\nname: sub\ninputs: {n: {type: integer, default: 1}}\nsteps: {p: {prompt: 'Say {{ inputs.n }}'}}"
    )
    Path("sub.yaml").write_text(sub)
    Path("w.yaml").write_text(
        "nano_flow: 1\nname: w\nsteps: {s: {workflow: ./sub.yaml}, ok: {needs: [s], approve: {message: Go on?}}}"
    )
    said("run", "w.yaml", "--no-input", "--offline", code=6)
    Path("sub.yaml").write_text(sub.replace("default: 1", "default: 2"))
    said("resume", "last", code=2)
    assert '"s: inputs.n"' in said.err


TOLERATES = """
nano_flow: 1
name: tolerates
inputs: {x: {type: string, default: a}}
steps:
  side: {run: "echo side >> effects.txt; exit 1", on_error: continue}
  spare: {run: "echo spare >> effects.txt; exit 1", on_error: {output: fallback}}
  many:
    for_each: [0, 1, 2]
    on_item_failure: continue
    run: "echo many-$I >> effects.txt; exit $I"
    env: {I: "{{ item }}"}
  group: {steps: {inner: {run: "echo inner >> effects.txt; exit 1"}}, on_error: continue}
  ok: {needs: [side, spare, many, group], approve: {message: "Go on?"}}
outputs: {spare: "{{ steps.spare.output }}", failed: "{{ steps.many.errors | length }}", ok: "{{ steps.side.status }}"}
"""
STRICT = """
nano_flow: 1
name: strict
steps:
  hard:
    prompt: Write a haiku.
    verify: [{check: "'XYZZY' in output"}]
    repair: {max_attempts: 0}
  {more}
"""


def effects() -> list[str]:
    return sorted(Path("effects.txt").read_text().split())


def test_failures_that_are_tolerated_are_kept_until_somebody_wants_them_again(said: Said) -> None:
    Path("w.yaml").write_text(TOLERATES)
    said("run", "w.yaml", "--no-input", code=6)
    once = ["inner", "many-0", "many-1", "many-2", "side", "spare"]
    assert effects() == once
    said("resume", "last", code=6)
    said("approvals", "answer", "last", "ok", "approve")
    assert said.json("resume", "last")["outputs"] == {"spare": "fallback", "failed": 2, "ok": "failed"}
    assert effects() == once
    steps = {step["address"]: step for step in said.json("runs", "show")["steps"]}
    assert (steps["side"]["status"], steps["side"]["replayed"]) == ("failed", True)
    assert steps["group.inner"]["status"] == "failed" and steps["many[0]"]["replayed"]
    said("resume", "last", "--failed")
    assert effects() == sorted([*once, "inner", "many-1", "many-2", "side", "spare"])
    assert 'done again: "group.inner" (command)' in said.err


def test_a_tolerated_failure_whose_inputs_changed_is_tried_again(said: Said) -> None:
    text = "nano_flow: 1\nname: w\nsteps:\n  a: {set: {v: 1}}\n  b: {run: 'echo b$V >> effects.txt; exit 1', env: {V: "
    text += "'{{ steps.a.output.v }}'}, on_error: continue}\n  ok: {needs: [b], approve: {message: Go on?}}"
    Path("w.yaml").write_text(text)
    said("run", "w.yaml", "--no-input", code=6)
    Path("w.yaml").write_text(text.replace("v: 1", "v: 2"))
    said("resume", "last", "--accept-changes", code=6)
    assert effects() == ["b1", "b2"]


def test_what_failed_on_its_merits_is_asked_again_and_named_first(said: Said) -> None:
    Path("w.yaml").write_text(STRICT.replace("{more}", ""))
    said("run", "w.yaml", "--offline", code=1)
    said("resume", "last", code=1)
    assert 'done again: "hard" (verify); 1 model call is made again, likely for about $0.' in said.err
    assert said.json("cost")["total"]["calls"] == 2
    events = said.json("runs", "logs")["events"]
    names = [event["event"] for event in events]
    assert names.index("StepsReopened") < names.index("CallFinished", names.index("StepsReopened"))


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("gone", 'there is no step "gone" in this workflow'),
        ("many[3]", 'there is no "many[3]" in this run: "many" has 3 executions, from 0'),
        ("side[0]", 'there is no "side[0]" in this run: "side" was never expanded'),
    ],
)
def test_an_address_that_does_not_exist_is_refused(said: Said, address: str, problem: str) -> None:
    Path("w.yaml").write_text(TOLERATES)
    said("run", "w.yaml", "--no-input", code=6)
    said("resume", "last", "--from", "many[1]", "--from", address, code=2)
    assert problem in said.err
    said("resume", "last", "--from", "many[1]", "--from", "side", code=6)
    assert effects() == ["inner", "many-0", "many-1", "many-1", "many-2", "side", "side", "spare"]
